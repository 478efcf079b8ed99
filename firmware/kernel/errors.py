"""What the kernel reports: event numbers, with the names that a console prints.

A number is part of the interface: it is never used again for something else.
"""

EVENT_STARTED = 0  # value: the boot count
EVENT_NEIGHBOUR_JOINED = 1  # value: its node id
EVENT_NEIGHBOUR_LEFT = 2  # value: its node id
EVENT_STORE_DAMAGED = 3  # value: 0 the boot count, 1 the state; started anew
EVENT_STORE_FAILED = 4  # value: 0 the boot count, 1 the state; kept in memory only
EVENT_NAME_TAKEN = 5  # value: the node id of the other agent that announces our name
EVENT_FRAGMENT_CONFLICT = 6  # value: the node id from which one fragment came in two forms
EVENT_RESUMED = 7  # value: wakes from deep sleep since the last boot
EVENT_SNAPSHOT_LOST = 8  # a wake from deep sleep without a snapshot to be believed; a boot then
EVENT_POWER_MODE = 9  # value: the mode of the battery, see power.modes
EVENT_SAFE_MODE = 10  # value: unclean boots since the last healthy span; no application runs
EVENT_SAFE_MODE_LEFT = 11  # value: 0; the application has one more try

# Why the hardware started: 1 to 5 are those of ESP32's machine.reset_cause().
CAUSE_POWER_ON = 1
CAUSE_HARD_RESET = 2
CAUSE_WATCHDOG = 3
CAUSE_DEEP_SLEEP = 4
CAUSE_SOFT_RESET = 5
CAUSE_BROWNOUT = 6
CAUSE_PANIC = 7

# Why the agent asks for a reboot.
REBOOT_ASKED = 1  # a person or a command
REBOOT_UPDATE = 2  # into the updater: a release is offered

# One text: a tuple would cost a board 40 B for each name. `name_of` cuts one out.
EVENT_NAMES = """started
neighbour joined
neighbour left
store damaged
store failed
name taken
fragment conflict
resumed
snapshot lost
power mode
safe mode
safe mode left"""

# Why a frame or a message was dropped; 0: it was not.
DROP_MALFORMED = 1
DROP_FOREIGN = 2  # of another network
DROP_OTHER_TARGET = 3
DROP_DUPLICATE = 4
DROP_ECHO = 5  # our own frame came back
DROP_QUOTA = 6  # its sender, or all, are over their budget
DROP_FRAGMENT_CONFLICT = 7  # one fragment in two forms: neither is believed
DROP_FRAGMENT_COLLISION = 8  # two messages of one sender under one number
DROP_FRAGMENT_INCOMPLETE = 9  # messages whose last fragment never came
DROP_FRAGMENT_FULL = 10  # REASSEMBLIES_MAX other senders are at it
DROP_LATE_REPLY = 11  # nobody waits for it any more
DROP_FULL = 12  # no room in the outbox, or in the heap, or what is more urgent took the place
DROP_REQUESTS_FULL = 13
DROP_NO_SUCH_NEIGHBOUR = 14
DROP_NOT_STORED = 15  # said after a change of critical state that could not be written
DROP_ENERGY = 16  # the day's energy is used up
DROP_REASONS = 17  # how many there are, 0 included

DROP_NAMES = """
malformed
other network
other target
duplicate
echo
over quota
fragment conflict
fragment collision
fragment incomplete
fragments full
late reply
full
requests full
no such neighbour
not stored
no energy"""


def name_of(names: str, number: int) -> str:
    """Return one of the names that stand in a text, one a line."""
    at = 0
    for _ in range(number):
        at = names.find("\n", at) + 1
    end = names.find("\n", at)
    return names[at:] if end < 0 else names[at:end]
