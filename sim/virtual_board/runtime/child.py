"""One process of real MicroPython: its pipes, its signals, its end.

Pipes, not a pty: the unix port switches a terminal's mode at every prompt and thereby drops what
was typed ahead, which an ESP32's UART buffer keeps. A soft reset is a new process on the same
pipes, so what waits in them survives it.
"""

import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cma_toolkit.sim.virtual_board.runtime.safepoint import SafePoints

SHIMS = Path(__file__).parents[1] / "shims"
_BOOT = "import vb.boot;vb.boot.start(globals())"
# Not by `os`: what that imports is a megabyte in each board.
_MAP = (
    "import mmap,posix;fd=posix.open({path!r},posix.O_RDONLY);"
    "f=mmap.mmap(fd,{size_bytes},prot=mmap.PROT_READ,offset={offset});"
)
_MAPPED = "romfs"  # alone: the kernel counts two megabytes of a larger file for one byte read
MICROPYTHON_ENV = "CMA_MICROPYTHON"
_SIGINT_BIT = 1 << (signal.SIGINT - 1)
_PR_SET_PDEATHSIG = 1
# A second SIGINT before the first is noticed ends the unix port. Code notices within microseconds
# of running; a long C call (a hash of megabytes) may take longer.
_UNNOTICED_NS = 50_000_000
_LOOKS = 8  # at a running process in a row; each costs it and us a quarter of a millisecond


class RuntimeMissingError(Exception):
    """Say that MicroPython's unix port is not installed."""


@dataclass(frozen=True)
class Pipes:
    """The console of a board: two pipes whose both ends we hold."""

    stdin_read: int
    stdin_write: int
    stdout_read: int
    stdout_write: int

    @classmethod
    def open(cls) -> "Pipes":
        """Make them; our ends never block."""
        stdin_read, stdin_write = os.pipe()
        stdout_read, stdout_write = os.pipe()
        os.set_blocking(stdin_write, False)
        os.set_blocking(stdout_read, False)
        return cls(stdin_read, stdin_write, stdout_read, stdout_write)

    def close(self) -> None:
        """Close all four ends."""
        for descriptor in (self.stdin_read, self.stdin_write, self.stdout_read, self.stdout_write):
            os.close(descriptor)

    def take_unread_input(self) -> bytes:
        """Take back what the board has not read yet."""
        os.set_blocking(self.stdin_read, False)
        try:
            return _read_all(self.stdin_read)
        finally:
            # The flag belongs to the pipe's end, which the child shares.
            os.set_blocking(self.stdin_read, True)


def interpreter(arguments: list[str], before: str = "") -> list[str]:
    """Return the command line that runs MicroPython's unix port with these arguments.

    `before` is Python that the process runs first; another interpreter than the wheel's does
    without.
    Raises: RuntimeMissingError (the person's installation).
    """
    chosen = os.environ.get(MICROPYTHON_ENV)
    if chosen:
        return [*shlex.split(chosen), *arguments]
    found = find_spec("micropython_run")
    if found is None or found.origin is None:
        raise RuntimeMissingError(
            "MicroPython's unix port is not installed: run pip install 'cma-toolkit[virtual]'."
        )
    # The bare interpreter starts in a third of the time that the wheel's own script takes.
    folder = str(Path(found.origin).parent)
    start = (
        f"import sys;sys.path.append({folder!r});import micropython_run as m;"
        f"m.run_main({['micropython', *arguments]!r})"
    )
    return [sys.executable, "-I", "-S", "-c", before + start]


def _map_flash(settings: Mapping[str, Any]) -> str:
    """Return what puts a board's ROM filesystem into its memory, as flash is on silicon."""
    for label, *_, offset, size_bytes in settings["partitions"]:
        if label == _MAPPED:
            return _MAP.format(path=settings["image"], offset=offset, size_bytes=size_bytes)
    return ""


class Interrupt(Enum):
    """What became of a Ctrl-C."""

    TAKEN = "taken"  # code runs and is interrupted
    DATA = "data"  # nothing runs that it could interrupt: it is a byte like others
    LATER = "later"  # code runs, at a place where it must not be interrupted


class Child:
    """A running process; it dies with us."""

    def __init__(
        self, pipes: Pipes, heap_bytes: int, settings: dict[str, Any], control_fd: int
    ) -> None:
        # The position of this file is how many guards the process is inside of.
        self._guard_fd = os.memfd_create("guard")
        settings = {**settings, "control": control_fd, "guard": self._guard_fd}
        self._process = subprocess.Popen(
            interpreter(["-X", f"heapsize={heap_bytes}", "-i", "-c", _BOOT], _map_flash(settings)),
            stdin=pipes.stdin_read,
            stdout=pipes.stdout_write,
            stderr=pipes.stdout_write,
            pass_fds=[control_fd, self._guard_fd],
            # Nothing else of our environment reaches a board. PYTHONMALLOC keeps CPython's arenas
            # out of a process that only MicroPython uses.
            env={
                "MICROPYPATH": str(SHIMS),
                "CMA_BOARD": json.dumps(settings),
                "PYTHONMALLOC": "malloc",
            },
            cwd="/",
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
        )
        self.pid = self._process.pid
        self.end_fd = os.pidfd_open(self.pid)
        self._interrupted_at_ns: int | None = None
        self._safe_points = SafePoints(self.pid)

    def interrupt(self, at_any_cost: bool = False) -> Interrupt:
        """Interrupt the code that runs, if there is any.

        The process stands still between the look and the signal: a prompt that begins in between
        would be killed by it.
        """
        for _ in range(_LOOKS):
            outcome = self._interrupt_once(at_any_cost)
            if outcome is not Interrupt.LATER:
                break
        return outcome

    def _interrupt_once(self, at_any_cost: bool) -> Interrupt:
        state = _state(self.pid)
        if state is None:
            return Interrupt.TAKEN
        os.kill(self.pid, signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if not _catches_sigint(self.pid):
                self._interrupted_at_ns = None
                return Interrupt.DATA
            if self._is_unnoticed(state):
                return Interrupt.TAKEN
            if self._is_guarded() or not (at_any_cost or self._safe_points.is_safe()):
                return Interrupt.LATER
            self._interrupted_at_ns = _cpu_ns(self.pid)
            os.kill(self.pid, signal.SIGINT)
            return Interrupt.TAKEN
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def forget_interrupt(self) -> None:
        """Hear that the last interrupt was noticed."""
        self._interrupted_at_ns = None

    def look_for_prompt(self) -> None:
        """Learn that an interrupt was noticed: no code runs any more that it could interrupt."""
        if self._interrupted_at_ns is not None and self.is_at_prompt():
            self._interrupted_at_ns = None

    def is_at_prompt(self) -> bool:
        """Tell whether no code runs that Ctrl-C could interrupt."""
        return not _catches_sigint(self.pid)

    def kill(self) -> None:
        """End the process at once and reap it."""
        self._process.kill()
        self.reap()

    def reap(self) -> int:
        """Return the exit status of a process that has ended or is about to."""
        status = self._process.wait()
        if self.end_fd >= 0:
            os.close(self.end_fd)
            os.close(self._guard_fd)
            self.end_fd = -1
        return status

    def _is_guarded(self) -> bool:
        return os.lseek(self._guard_fd, 0, os.SEEK_CUR) > 0

    def _is_unnoticed(self, state: str) -> bool:
        """Tell whether an earlier interrupt may still wait to be noticed."""
        if self._interrupted_at_ns is None or state == "S":
            return False
        return _cpu_ns(self.pid) - self._interrupted_at_ns < _UNNOTICED_NS


def _read_all(descriptor: int) -> bytes:
    data = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except BlockingIOError:
            return data
        if not chunk:
            return data
        data += chunk


def _catches_sigint(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    line = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(line.split()[1], 16) & _SIGINT_BIT)


def _state(pid: int) -> str | None:
    """Return the process's state letter, None if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    letter = stat.rpartition(")")[2].split()[0]
    return None if letter in "ZX" else letter


def _cpu_ns(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    assert _LIBC
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
