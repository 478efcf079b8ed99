"""The mark in RTC memory: which slot was found good, and what loader and agent tell each other.

Twelve bytes at `AT`, of which loaders and agents of all ages must think the same:

    0       magic
    1       SLOT_B if it is the second one, and what else is so; in the upper three bits why the
            board booted, from the loader's look at the slots until an agent has read it
    2       starts of a trial since it was paid for last; WATCHED
    3..6    sequence of the release in that slot
    7..10   30 bits of the class that it is for
    11      all others XOR 0xA5

The loader writes it when it has looked at the slots; an agent sets bits and takes the cause away.
A wake from deep sleep reads nothing else.
"""

import struct

AT = 1496
BYTES = 12
SLOT_B = 1
UPDATE = 2  # the agent asks for the updater at the next boot
HEALTHY = 4  # the agent has seen all signs of health: its release can be confirmed
TRIAL = 8  # the release is on trial
GIVEN_UP = 16  # the agent, or who loads it, has found its release to be bad
CAUSE_SHIFT = 5
WATCHED = 0x80  # a watchdog runs already
_MAGIC, _CHECK = 0xCB, 0xA5
_FIELDS = ">BBBII"


def read(memory):
    """Return bits, starts, sequence and class, None if there is no whole mark."""
    found = memory[AT : AT + BYTES]
    if len(found) < BYTES or found[0] != _MAGIC or found[-1] != _sum(found):
        return None
    return struct.unpack_from(_FIELDS, found)[1:]


def write(memory, fields):
    """Return the memory with a mark; everything else in it stays."""
    made = bytearray(memory)
    made.extend(bytes(max(0, AT + BYTES - len(made))))
    found = bytearray(BYTES)
    struct.pack_into(_FIELDS, found, 0, _MAGIC, *fields)
    found[-1] = _sum(found)
    made[AT : AT + BYTES] = found
    return made


def _sum(found):
    value = _CHECK
    for byte in found[: BYTES - 1]:
        value ^= byte
    return value
