"""SLIP frames, as the ROM loader speaks them.

Input    bytes in any pieces
Bounds   one frame of FRAME_BYTES_MAX is kept; a longer one is dropped
Source   RFC 1055; esptool documentation, "Serial Protocol"
"""

END = b"\xc0"
ESCAPE = b"\xdb"
ESCAPED_END = b"\xdb\xdc"
ESCAPED_ESCAPE = b"\xdb\xdd"
# The stub's largest request carries 16 KiB; escaped, every byte may take two.
FRAME_BYTES_MAX = 2 * (0x4000 + 64)


def encode(payload: bytes) -> bytes:
    """Return the payload as one frame."""
    return END + payload.replace(ESCAPE, ESCAPED_ESCAPE).replace(END, ESCAPED_END) + END


def decode(body: bytes) -> bytes | None:
    """Return what lies between two delimiters, unescaped; None if an escape is wrong."""
    if ESCAPE not in body:
        return body
    head, *pieces = body.split(ESCAPE)
    payload = [head]
    for piece in pieces:
        if piece[:1] == b"\xdc":
            payload.append(END)
        elif piece[:1] == b"\xdd":
            payload.append(ESCAPE)
        else:
            return None
        payload.append(piece[1:])
    return b"".join(payload)


class FrameReader:
    """Cut a stream of bytes into frames; what is not a frame is dropped and counted."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._overlong = False
        self.dropped_count = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that end in these bytes; empty ones do not count."""
        *bodies, tail = data.split(END)
        frames: list[bytes] = []
        for body in bodies:
            self._keep(body)
            self._finish(frames)
        self._keep(tail)
        return frames

    def clear(self) -> None:
        """Forget a frame that has begun."""
        self._partial.clear()
        self._overlong = False

    def _keep(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > FRAME_BYTES_MAX:
            self._overlong = True
            self._partial.clear()
        elif not self._overlong:
            self._partial += piece

    def _finish(self, frames: list[bytes]) -> None:
        payload = None if self._overlong else decode(bytes(self._partial))
        self.clear()
        if payload is None:
            self.dropped_count += 1
        elif payload:
            frames.append(payload)
