"""Whether a release on trial is healthy, as the agent that runs it can tell.

It is healthy when the application does not say otherwise, somebody was heard, and some wakes ended
in order. Whatever crashes is counted by the next boot, not here.

Input    on_heard(), on_check(is_good), on_wake_end()
Effects  none
Bounds   WAKES_MAX until it is given up
Source   SPEC.md, "Slots"
"""

UNDECIDED, IS_HEALTHY, IS_GIVEN_UP = range(3)
CLEAN_WAKES = 3
WAKES_MAX = 120
_HEARD, _BAD = 1, 2


class Signs:
    """The signs of one trial."""

    SNAPSHOT_BYTES = 2

    def __init__(self) -> None:
        self._wakes = self._flags = 0

    def on_heard(self) -> None:
        """Take note that a neighbour or an edge was heard."""
        self._flags |= _HEARD

    def on_check(self, is_good: bool) -> None:
        """Take the application's word for how it is."""
        self._flags = self._flags & ~_BAD | (0 if is_good else _BAD)

    def on_wake_end(self) -> int:
        """Take note that a wake, or a minute of one that does not end, ended in order.

        Returns: what is known now: UNDECIDED, IS_HEALTHY or IS_GIVEN_UP.
        """
        self._wakes = min(WAKES_MAX, self._wakes + 1)
        if self._wakes >= CLEAN_WAKES and self._flags == _HEARD:
            return IS_HEALTHY
        return IS_GIVEN_UP if self._wakes == WAKES_MAX else UNDECIDED

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleep must not forget."""
        buffer[offset], buffer[offset + 1] = self._wakes, self._flags
        return offset + 2

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take it back."""
        self._wakes, self._flags = buffer[offset], buffer[offset + 1]
        return offset + 2
