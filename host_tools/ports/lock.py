"""One `cma` per port, and the name of whatever else has it open.

The operating system's file lock goes with its process, so a lock is never stale; the file beside
it only tells who holds it.
"""

import contextlib
import getpass
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cma_toolkit.host_tools.errors import no_device, refused

# Windows locks are mandatory: one byte far behind the text leaves the text readable.
WINDOWS_LOCK_OFFSET = 1 << 20
TEXT_BYTES_MAX = 400
COMMAND_CHARS_MAX = 80


@dataclass(frozen=True)
class Holder:
    """A process that has a port open."""

    pid: int
    command: str

    def __str__(self) -> str:
        """Return it as a sentence names it."""
        return f"{self.command} (pid {self.pid})"


class PortLock:
    """Hold a port for this process; entering tells who holds it if another does."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self._url = url
        self._folder = folder or lock_folder()
        self._fd: int | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""
        self.release()

    def acquire(self) -> None:
        """Take the lock.

        Raises: CmaError 3 if another process holds it, 4 if locks cannot be kept.
        """
        path = self._folder / f"{_file_stem(self._url)}.lock"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise refused(
                f"{error.filename} cannot be used for the locks of ports ({error.strerror}): "
                "remove it or make it yours, or set XDG_RUNTIME_DIR to a folder of yours."
            ) from error
        if not _try_lock(fd):
            text = os.read(fd, TEXT_BYTES_MAX).decode(errors="replace").strip()
            os.close(fd)
            raise no_device(
                f"{self._url} is in use by {text or 'another cma'}: "
                "wait for it to end, or stop it, then run this again."
            )
        os.ftruncate(fd, 0)
        os.write(fd, str(Holder(os.getpid(), this_command()))[:TEXT_BYTES_MAX].encode())
        self._fd = fd

    def release(self) -> None:
        """Let go of the lock, once."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def lock_folder() -> Path:
    """Return where this user's locks lie.

    Another user's `cma` is kept out by the exclusive lock on the device itself.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):  # after sudo it may be another user's
        return Path(runtime) / "cma" / "ports"
    return Path(tempfile.gettempdir()) / f"cma_toolkit-{_user()}" / "ports"


def _user() -> str:
    return str(os.getuid()) if sys.platform != "win32" else getpass.getuser()


def this_command() -> str:
    """Return the command line as a person typed it; a worker has its parent's."""
    typed = os.environ.get("CMA_COMMAND") or " ".join(["cma", *sys.argv[1:]])
    return typed if len(typed) <= COMMAND_CHARS_MAX else typed[:COMMAND_CHARS_MAX] + "…"


def holders_of(path: str, proc: Path = Path("/proc")) -> list[Holder]:
    """Return the other processes that have a device open, as far as this user may see.

    Source: Linux, the links below /proc/<pid>/fd; elsewhere nothing is found.
    """
    target = os.path.realpath(path)
    return [
        Holder(pid, _command_of(proc / str(pid)))
        for pid in sorted(_pids(proc))
        if pid != os.getpid() and _has_open(proc / str(pid) / "fd", target)
    ]


def programs_named(names: frozenset[str], proc: Path = Path("/proc")) -> list[Holder]:
    """Return the running processes whose program name is one of `names`."""
    found = (Holder(pid, _command_of(proc / str(pid))) for pid in sorted(_pids(proc)))
    return [holder for holder in found if holder.command in names]


def _pids(proc: Path) -> Iterator[int]:
    if proc.is_dir():
        yield from (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def _has_open(folder: Path, target: str) -> bool:
    files = set()
    # Another user's process cannot be read, and any may end or close a file meanwhile.
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                files.add(os.readlink(folder / name))
    # Who holds a pty's other end made it: that is the board's side, not a rival.
    made_it = target.startswith("/dev/pts/") and any(file.endswith("/ptmx") for file in files)
    return target in files and not made_it


def _command_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program"


def _file_stem(url: str) -> str:
    name = os.path.realpath(url) if url.startswith("/") else url
    if url.startswith("virtual://"):
        # Each home of virtual boards has names of its own.
        name += " " + os.environ.get("CMA_VIRTUAL_HOME", "")
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _try_lock(fd: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(fd, WINDOWS_LOCK_OFFSET, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            os.lseek(fd, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
