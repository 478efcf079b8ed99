"""The mark in RTC memory: which slot was found good, and what loader and agent tell each other.

Four bytes at `AT`, of which loaders and agents of all ages must think the same:

    0    magic
    1    SLOT_B if it is the second one, and what else is so
    2    wakes from deep sleep since a trial was looked at last
    3    all three XOR 0xA5

The loader writes it when it has looked at the slots; an agent only sets bits. A wake from deep
sleep reads nothing else.
"""

AT = 1504
BYTES = 4
SLOT_B = 1
UPDATE = 2  # the agent asks for the updater at the next boot
HEALTHY = 4  # the agent has seen all signs of health: its release can be confirmed
TRIAL = 8  # the release is on trial
GIVEN_UP = 16  # the agent has found its release to be bad
_MAGIC, _CHECK = 0xCB, 0xA5


def read(memory):
    """Return the bits and the wakes, None if there is no whole mark."""
    found = memory[AT : AT + BYTES]
    if len(found) < BYTES or found != _bytes(found[1], found[2]):
        return None
    return found[1], found[2]


def write(memory, bits, wakes=0):
    """Return the memory with a mark; everything else in it stays."""
    made = bytearray(memory)
    made.extend(bytes(max(0, AT + BYTES - len(made))))
    made[AT : AT + BYTES] = _bytes(bits, wakes)
    return made


def _bytes(bits, wakes):
    return bytes((_MAGIC, bits, wakes, _MAGIC ^ bits ^ wakes ^ _CHECK))
