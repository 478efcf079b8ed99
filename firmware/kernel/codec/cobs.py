"""Frames on a byte stream: COBS with a CRC-32, ended by a zero byte.

A receiver that starts in the middle, or loses a byte, is whole again after the next zero.

Input    a frame, or bytes as they come
Effects  none
Bounds   one frame; a longer one is dropped whole and counted
Source   S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
         Networking 7(2), 1999
"""

import binascii

from ..limits import FRAME_BYTES_MAX

_CRC_BYTES = 4
STUFFED_BYTES_MAX = FRAME_BYTES_MAX + _CRC_BYTES + 3


class Stuffer:
    """Make what goes over the wire for one frame."""

    def __init__(self) -> None:
        self.buffer = bytearray(STUFFED_BYTES_MAX)

    def stuff(self, frame: "bytes | bytearray | memoryview", length: int) -> int:
        """Fill `buffer` with a frame's bytes on the wire; return how many they are."""
        assert length <= FRAME_BYTES_MAX
        crc = binascii.crc32(memoryview(frame)[:length])
        code_at, at = 0, 1
        for index in range(length + _CRC_BYTES):
            byte = frame[index] if index < length else crc >> ((index - length) * 8) & 0xFF
            if byte:
                self.buffer[at] = byte
                at += 1
            if not byte or at - code_at == 0xFF:
                self.buffer[code_at] = at - code_at
                code_at = at
                at += 1
        self.buffer[code_at] = at - code_at
        self.buffer[at] = 0
        return at + 1


class Unstuffer:
    """Find the frames in a stream of bytes."""

    def __init__(self) -> None:
        self.frame = bytearray(FRAME_BYTES_MAX + _CRC_BYTES)
        self.damaged = 0
        self._restart()

    def _restart(self) -> None:
        self._length = 0
        self._left = 0  # bytes of the present block still to come
        self._code = 0xFF  # of the present block; 0xFF is followed by no implied zero
        self._bad = False

    def on_byte(self, byte: int) -> int:
        """Take the next byte; return the length of the frame that it completes, else 0.

        The frame stands in `frame` until the next call.
        """
        if byte == 0:
            length = self._finish()
            self._restart()
            return length
        if not self._left:
            if self._code != 0xFF:
                self._put(0)
            self._code = byte
            self._left = byte - 1
        else:
            self._put(byte)
            self._left -= 1
        return 0

    def _put(self, byte: int) -> None:
        if self._length == len(self.frame):
            self._bad = True
        else:
            self.frame[self._length] = byte
            self._length += 1

    def _finish(self) -> int:
        length = self._length - _CRC_BYTES
        if not self._length and not self._left and not self._bad:
            return 0  # two zeros in a row: a sender may begin with one
        if self._bad or self._left or length <= 0:
            self.damaged += 1
            return 0
        crc = binascii.crc32(memoryview(self.frame)[:length])
        for index in range(_CRC_BYTES):
            if self.frame[length + index] != crc >> (index * 8) & 0xFF:
                self.damaged += 1
                return 0
        return length
