"""What the kernel reports: event numbers, with the names that a console prints.

A number is part of the interface: it is never used again for something else.
"""

EVENT_STARTED = 0  # value: the boot count
EVENT_NEIGHBOUR_JOINED = 1  # value: its node id
EVENT_NEIGHBOUR_LEFT = 2  # value: its node id
EVENT_STORE_DAMAGED = 3  # value: 0 the boot count, 1 the state; started anew
EVENT_STORE_FAILED = 4  # value: 0 the boot count, 1 the state; kept in memory only
EVENT_NAME_TAKEN = 5  # value: the node id of the other agent that announces our name

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
REBOOT_CRASH = 2  # the kernel itself raised

EVENT_NAMES = (
    "started",
    "neighbour joined",
    "neighbour left",
    "store damaged",
    "store failed",
    "name taken",
)
