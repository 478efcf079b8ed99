"""One download into flash, and one read out of it, block by block.

Bounds   a download never writes outside the range it announced, whatever it inflates to; a read
         has at most WINDOW_BYTES_MAX on the line that the host has not acknowledged
Raises   RequestError (the host); PowerCut, if the flash's fault says so
"""

import hashlib
import zlib
from typing import Protocol

from cma_toolkit.sim.virtual_board.rom.commands import Refusal, RequestError
from cma_toolkit.sim.virtual_board.rom.nor_flash import SECTOR_BYTES, NorFlash

INFLATED_BYTES_MAX = 0x4000
BLOCK_BYTES_MAX = 0x4000
WINDOW_BYTES_MAX = 0x40000


class Download(Protocol):
    """Take the blocks of one announced range."""

    @property
    def left_bytes(self) -> int:
        """Return how much of the range is not written yet."""

    def take(self, data: bytes) -> None:
        """Write one block as it came over the line."""


class PlainDownload:
    """Write blocks one behind the other.

    The ROM erases the whole range at once; the stub erases each sector just before it writes
    there, so that a power cut leaves what it had not reached.
    """

    def __init__(
        self, flash: NorFlash, offset: int, size_bytes: int, *, erase_bytes: int, lazily: bool
    ) -> None:
        if offset + max(size_bytes, erase_bytes) > flash.size_bytes:
            raise RequestError(Refusal.OUT_OF_RANGE)
        self._flash = flash
        self._position = offset
        self._end = offset + size_bytes
        self._erased_to = offset - offset % SECTOR_BYTES
        if not lazily:
            flash.erase(offset, erase_bytes)
            self._erased_to = flash.size_bytes

    @property
    def left_bytes(self) -> int:
        """Return how much of the range is not written yet."""
        return self._end - self._position

    def take(self, data: bytes) -> None:
        """Write a block; what pads the last one beyond the range is dropped."""
        if not self.left_bytes:
            raise RequestError(Refusal.TOO_MUCH_DATA)
        self.program(data[: self.left_bytes])

    def program(self, data: bytes) -> None:
        """Write what fits, sector by sector."""
        while data:
            if self._position >= self._erased_to:
                self._flash.erase(self._erased_to, SECTOR_BYTES)
                self._erased_to += SECTOR_BYTES
            piece = data[: max(self._erased_to - self._position, 0)]
            self._flash.program(self._position, piece)
            self._position += len(piece)
            data = data[len(piece) :]


class DeflatedDownload:
    """Inflate blocks on their way to flash."""

    def __init__(self, plain: PlainDownload) -> None:
        self._plain = plain
        self._inflater = zlib.decompressobj()

    @property
    def left_bytes(self) -> int:
        """Return how much of the range is not written yet."""
        return self._plain.left_bytes

    def take(self, data: bytes) -> None:
        """Write what a block inflates to, in pieces: a bomb meets the range's end first."""
        while data:
            if self._inflater.eof:
                raise RequestError(Refusal.TOO_MUCH_DATA)
            try:
                piece = self._inflater.decompress(data, INFLATED_BYTES_MAX)
            except zlib.error as error:
                raise RequestError(Refusal.NOT_DEFLATED) from error
            if len(piece) > self._plain.left_bytes:
                raise RequestError(Refusal.TOO_MUCH_DATA)
            self._plain.program(piece)
            data = self._inflater.unconsumed_tail or self._inflater.unused_data


class FlashRead:
    """Send a range in blocks, never too far ahead of what the host has acknowledged."""

    def __init__(
        self, flash: NorFlash, offset: int, size_bytes: int, *, block_bytes: int, blocks_ahead: int
    ) -> None:
        if offset + size_bytes > flash.size_bytes:
            raise RequestError(Refusal.OUT_OF_RANGE)
        if not 0 < block_bytes <= BLOCK_BYTES_MAX or not blocks_ahead:
            raise RequestError(Refusal.BAD_BLOCK_SIZE)
        self._flash = flash
        self._offset = offset
        self._size_bytes = size_bytes
        self._block_bytes = block_bytes
        self._window_bytes = min(block_bytes * blocks_ahead, WINDOW_BYTES_MAX)
        self._sent_bytes = 0
        self._digest = hashlib.md5()
        self._acked_bytes = 0
        self.done = False

    def acknowledge(self, total_bytes: int) -> None:
        """Take how much the host has; it cannot have what was not sent."""
        self._acked_bytes = max(self._acked_bytes, min(total_bytes, self._sent_bytes))

    def take_frames(self) -> tuple[bytes, ...]:
        """Return the frames that may go now; the last one is the digest."""
        frames: list[bytes] = []
        while (
            self._sent_bytes < self._size_bytes
            and self._sent_bytes - self._acked_bytes < self._window_bytes
        ):
            size_bytes = min(self._block_bytes, self._size_bytes - self._sent_bytes)
            block = self._flash.read(self._offset + self._sent_bytes, size_bytes)
            self._digest.update(block)
            self._sent_bytes += size_bytes
            frames.append(block)
        if not self.done and self._acked_bytes == self._size_bytes:
            self.done = True
            frames.append(self._digest.digest())
        return tuple(frames)
