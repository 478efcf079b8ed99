"""Frames made in one step, sent at its end.

An application may publish at any moment, from a task of its own on a board too; only the driver's
next step transmits.

Input    claim(), commit(link, length), flush(out)
Effects  out.send(link, buffer, length)
Bounds   OUTBOX_FRAMES_MAX frames; nothing is allocated after construction
"""

from ..effects import Effects
from ..limits import FRAME_BYTES_MAX, OUTBOX_FRAMES_MAX


class Outbox:
    """A few frames in the order in which they were made."""

    def __init__(self, count_max: int = OUTBOX_FRAMES_MAX) -> None:
        self._frames = [bytearray(FRAME_BYTES_MAX) for _ in range(count_max)]
        self._lengths = [0] * count_max
        self._links = [0] * count_max
        self.count = 0

    def is_full(self) -> bool:
        """Tell whether there is no buffer to claim."""
        return self.count == len(self._frames)

    def claim(self) -> bytearray:
        """Return the buffer for the next frame; it counts only once committed."""
        return self._frames[self.count]

    def commit(self, link: int, length: int) -> None:
        """Add the claimed buffer as a frame."""
        self._links[self.count] = link
        self._lengths[self.count] = length
        self.count += 1

    def flush(self, out: Effects) -> None:
        """Send everything, oldest first."""
        for index in range(self.count):
            out.send(self._links[index], self._frames[index], self._lengths[index])
        self.count = 0
