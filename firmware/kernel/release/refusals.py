"""Why a document or a release is refused: numbers, with the names that a person reads.

A number is part of the interface: it is never used again for something else.
"""

REFUSED_MALFORMED = 1  # not in the one form that a document of its kind has
REFUSED_UNSIGNED = 2  # too few good signatures of the keys of its role
REFUSED_VERSION = 3  # not newer than what is trusted or runs; of a root document: not the next
REFUSED_EXPIRED = 4
REFUSED_UNLISTED = 5  # not what the timestamp names as current
REFUSED_COUNTER = 6  # a lower security counter than that of what runs
REFUSED_CLASS = 7  # for another kind of board
REFUSED_SIZE = 8  # larger than a slot
REFUSED_RUNTIME = 9  # compiled for another MicroPython
REFUSED_DEPENDENCY = 10  # an earlier release is to be installed first
REFUSED_BATTERY = 11
REFUSED_GIVEN_UP = 12  # it was tried here and did not prove healthy
REFUSED_ON_TRIAL = 13  # another release is being tried, and this would take its way back
REFUSED_MICROPYTHON = 14  # for now: what this board fetches and tries before it
# Of MicroPython a session of its own tells; the others say nothing against a release.
NO_FAULTS = (0, REFUSED_MICROPYTHON, REFUSED_UNLISTED, REFUSED_EXPIRED)

REFUSAL_NAMES = """
malformed
not signed by enough keys of its role
not newer
expired
not the current one
lower security counter
other class of board
larger than a slot
other MicroPython
needs an earlier release first
battery too low
tried before, and given up
another release is on trial
needs another MicroPython first"""


class RefusedError(Exception):
    """Say why a document is not taken; its author or who carried it is the cause."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason
