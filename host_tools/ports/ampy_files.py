"""Move files with Adafruit's ampy, for `--via ampy`.

Slower than a session: ampy resets the board softly before each action and sends 32 bytes at a
time. It writes in place, so a power cut can leave half a file; the read-back tells.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from cma_toolkit.host_tools.errors import CmaError, ExitCode, no_device, usage, verify_failed
from cma_toolkit.host_tools.ports.files import Entries, Entry
from cma_toolkit.host_tools.ports.serial_port import open_serial

READ_TIMEOUT_S = 10.0
BOOT_S = 5.0  # that a board may take: what boots for longer has no end


class AmpyFiles:
    """The files of one board, over any port that `open_serial` opens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._board: Any = None
        self._files: Any = None

    def __enter__(self) -> Self:
        """Open the port.

        Raises: CmaError 2 if ampy is not installed, 3 if the port does not open.
        """
        files, pyboard = _ampy()
        # ampy's constructor opens device paths only; the rest of it takes any pyserial port.
        pyboard._rawdelay = 0
        self._board = pyboard.Pyboard.__new__(pyboard.Pyboard)
        self._board.serial = _Patient(open_serial(self.url, timeout_s=READ_TIMEOUT_S))
        self._files = files.Files(self._board)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port; the board stays at its prompt."""
        self._board.close()

    def put(self, path: str, data: bytes, *, skip_equal: bool = True) -> bool:
        """Write a file; False if it was equal and skipped.

        Raises: CmaError 5 if the board reads back other bytes.
        """
        wanted = hashlib.sha256(data).hexdigest()
        if skip_equal and self.hashes([path])[path] == wanted:
            return False
        with self._talk("put", path):
            self._files.put(path, data)
        if self.hashes([path])[path] != wanted:
            raise verify_failed(f"{self.url}: {path} reads back changed. Run the command again.")
        return True

    def get(self, path: str) -> bytes:
        """Read a file.

        Raises: CmaError 2 if there is none.
        """
        with self._talk("get", path):
            return bytes(self._files.get(path))

    def list(self, path: str = "/") -> Entries:
        """Return the entries of a folder in order of name; nothing if there is no such folder."""
        try:
            with self._talk("list", path):
                rows = self._files.ls(path, long_format=True)
        except _AbsentError:
            return []
        return [self._entry(row) for row in rows]

    def hashes(self, paths: Sequence[str]) -> dict[str, str | None]:
        """Return the SHA-256 of each path; the bytes are read and hashed here."""
        found: dict[str, str | None] = {}
        for path in paths:
            try:
                found[path] = hashlib.sha256(self.get(path)).hexdigest()
            except _AbsentError:
                found[path] = None
        return found

    def mkdir(self, path: str) -> None:
        """Make a folder and those above it, where they are not yet."""
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            folder = "/" + "/".join(parts[:count])
            with self._talk("mkdir", folder):
                self._files.mkdir(folder, exists_okay=True)

    def remove(self, path: str) -> int:
        """Remove a file, or a folder with all below it; returns 1, or 0 if there was none."""
        remove = self._files.rmdir if self.is_folder(path) else self._files.rm
        try:
            with self._talk("remove", path):
                remove(path)
        except _AbsentError:
            return 0
        return 1

    def _entry(self, row: str) -> Entry:
        # The size that a folder's stat gives means nothing.
        path, size = row.rsplit(" - ", 1)
        is_folder = self.is_folder(path)
        return Entry(path.rsplit("/", 1)[-1], is_folder, 0 if is_folder else int(size.split()[0]))

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder of that path."""
        try:
            with self._talk("list", path):
                self._files.ls(path, long_format=False)
        except _AbsentError:
            return False
        return True

    @contextlib.contextmanager
    def _talk(self, what: str, path: str) -> Iterator[None]:
        _files, pyboard = _ampy()
        try:
            yield
        except RuntimeError as error:  # ampy's word for a path that is not there
            raise _AbsentError(self.url, path) from error
        except pyboard.PyboardError as error:
            if len(error.args) > 2 and b"OSError" in error.args[2]:
                raise _AbsentError(self.url, path) from error
            raise no_device(
                f"{self.url}: ampy could not {what} {path} ({error.args[0]}). Try without --via."
            ) from error
        except (OSError, IndexError) as error:
            raise no_device(
                f"{self.url}: the board went away. Plug it in, then run the command again."
            ) from error


class _Patient:
    """A port that lets a board boot in peace.

    ampy interrupts half a second after each soft reset, for the sake of a `main.py` that the raw
    prompt does not start: where booting takes longer, what `boot.py` mounts would be missing. One
    that does not come to its end is interrupted later.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self._is_booting = False
        self._interrupt_at_s = float("inf")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def write(self, data: bytes) -> Any:
        """Write all but a Ctrl-C right behind a Ctrl-D, which waits."""
        if self._is_booting and data == b"\x03":
            self._interrupt_at_s = time.monotonic() + BOOT_S
            return len(data)
        self._is_booting = data == b"\x04"
        self._interrupt_at_s = float("inf")
        return self._port.write(data)

    def inWaiting(self) -> int:  # noqa: N802 - as ampy calls it
        """Return how much there is to read."""
        if time.monotonic() >= self._interrupt_at_s:
            self.write(b"\x03\x03")
        return int(self._port.inWaiting())


class _AbsentError(CmaError):
    def __init__(self, url: str, path: str) -> None:
        super().__init__(f"{url} has no file {path}.", ExitCode.USAGE)


def _ampy() -> tuple[Any, Any]:
    try:
        from ampy import files, pyboard
    except ImportError as error:
        raise usage("--via ampy needs ampy: run pip install 'cma-toolkit[ampy]'.") from error
    return files, pyboard
