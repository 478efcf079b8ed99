"""Where virtual boards live: one folder with a control socket, a registry and a folder per board.

Whoever holds the lock on `supervisor.lock` is the supervisor of the home; a lock ends with its
process, so nothing here can be left over by a crash.
"""

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError, needs_linux

HOME_VARIABLE = "CMA_VIRTUAL_HOME"
CONTROL_SOCKET = "control.sock"
PORT_SOCKET = "ports.sock"
REGISTRY = "registry.json"
SUPERVISOR_LOCK = "supervisor.lock"
START_LOCK = "start.lock"
SUPERVISOR_LOG = "supervisor.log"

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# Linux: sun_path holds 108 bytes, the closing zero among them.
_SOCKET_PATH_BYTES_MAX = 107


def find_home(home: Path | None = None) -> Path:
    """Return the home: the one given, else the environment's, else the user's."""
    if home is not None:
        return home.absolute()
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).absolute()
    import platformdirs

    return Path(platformdirs.user_state_dir("cma")) / "virtual"


def check_system() -> None:
    """Raise unless virtual boards can run here."""
    if sys.platform != "linux":
        raise needs_linux()


def check_name(name: str) -> None:
    """Raise unless `name` can be a board's name, a folder's name and a part of a URL."""
    if not NAME_PATTERN.fullmatch(name):
        raise VirtualBoardError(
            f"{name!r} cannot name a virtual board: use 1 to 63 small letters, digits, - and _, "
            "a letter or digit first.",
            "usage",
        )


@contextlib.contextmanager
def socket_address(home: Path, name: str) -> Iterator[str]:
    """Yield the address of a unix socket in the home, however long the home's path is."""
    path = str(home / name)
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX:
        yield path
        return
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, waiting for whoever has it."""
    import fcntl

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> int | None:
    """Take the lock of a file for as long as this process lives.

    Returns the descriptor that holds it, or None if another process does.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def supervisor_lives(home: Path) -> bool:
    """Tell whether a supervisor serves this home now.

    Its socket is asked and not its lock: who tries a lock holds it for a moment, in which a
    supervisor that starts would be refused.
    """
    if sys.platform != "linux":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            with socket_address(home, CONTROL_SOCKET) as address:
                connection.connect(address)
        except BlockingIOError:
            return True  # it has more callers than it can answer at once
        except (FileNotFoundError, ConnectionError):
            return False
    return True
