"""`sys.stdout` as a board has it: text has its newlines converted, `.buffer` does not."""

import io
import sys

from vb.marks import BINARY, BINARY_BYTES_MAX

_raw = sys.stdout.buffer


class BinaryOutput(io.IOBase):
    """Write bytes that reach the host as they are."""

    def write(self, data, *span):
        """Write a buffer, `(buffer, size)` of it, or `(buffer, at, size)`."""
        view = memoryview(data)
        if len(span) == 1:
            view = view[: span[0]]
        elif span:
            view = view[span[0] : span[0] + span[1]]
        at = 0
        while at < len(view):
            part = bytes(view[at : at + BINARY_BYTES_MAX])
            _raw.write(BINARY % len(part) + part)
            at += len(part)
        return len(view)

    def ioctl(self, request, argument):
        """Say that it is always ready."""
        return argument if request == 3 else 0


class TextOutput(io.IOBase):
    """Write text."""

    def __init__(self):
        self.buffer = BinaryOutput()

    def write(self, text):
        """Write text or bytes; the bridge converts newlines."""
        return _raw.write(text)

    def ioctl(self, request, argument):
        """Say that it is always ready."""
        return argument if request == 3 else 0

    def flush(self):
        """Do nothing: nothing is kept."""
