"""What a world and an agent in another process say to each other: CBOR with a length in front.

Each call waits for its answer. While an agent works on one it may call back, for its flash, its
parts and its effects: the calls nest, as the calls of functions do.
"""

from struct import pack, unpack

from cma_toolkit.firmware.kernel.codec import cbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LENGTH = ">I"
_LENGTH_BYTES = 4
_MESSAGE_BYTES_MAX = 1 << 20
# The first field of each message.
CALL, ANSWER, ERROR, GONE = 0, 1, 2, 3


class EndError(Exception):
    """The other side is gone."""


class Pipe:
    """One end: two files without buffers, from which and to which it reads and writes."""

    def __init__(self, reader: "Any", writer: "Any") -> None:
        self._reader = reader
        self._writer = writer

    def put(self, *fields: object) -> None:
        """Send a message.

        Raises: EndError.
        """
        data = cbor.encode(list(fields), _MESSAGE_BYTES_MAX)
        try:
            data = pack(_LENGTH, len(data)) + data
            while data:
                data = data[self._writer.write(data) :]
        except OSError:
            raise EndError() from None

    def take(self) -> "list[Any]":
        """Wait for a message and return its fields.

        Raises: EndError.
        """
        size_bytes = unpack(_LENGTH, self._read(_LENGTH_BYTES))[0]
        fields = cbor.decode(self._read(size_bytes))
        assert isinstance(fields, list)
        return fields

    def close(self) -> None:
        """Let the other side know that there is nothing more."""
        self._writer.close()
        self._reader.close()

    def _read(self, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            part = self._reader.read(size_bytes - len(data))
            if not part:
                raise EndError()
            data += part
        return data
