"""What a board printed, kept beside its flash: `console.log` and the one before it."""

import os
from pathlib import Path

_FILE_BYTES_MAX = 512 * 1024


class ConsoleFile:
    """Append to a file that never grows beyond its bound."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._size_bytes = 0

    def open(self) -> None:
        """Go on where the file ends."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size

    def write(self, data: bytes) -> None:
        """Append `data`, starting a new file when this one is full."""
        if self._descriptor < 0:
            return
        if self._size_bytes + len(data) > _FILE_BYTES_MAX:
            self.close()
            os.replace(self._path, self._path.with_suffix(".log.1"))
            self.open()
        os.write(self._descriptor, data)
        self._size_bytes += len(data)

    def close(self) -> None:
        """Close the file; what is written after is dropped."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
