"""Open a serial port of any kind, and say in one sentence why it does not open."""

import errno
import os
import re
import sys
from pathlib import Path
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, no_device
from cma_toolkit.host_tools.ports.lock import PortLock, holders_of

BAUD = 115200
SILICON_LABS = 0x10C4
_PREFIX = re.compile(r"^[Cc]ould not open port \S+: ")


def open_serial(
    url: str, *, baudrate: int = BAUD, timeout_s: float | None = None, exclusive: bool = True
) -> Any:
    """Open a path or URL as a pyserial port, locked until it is closed.

    Both modem lines are asserted, which no reset circuit takes for a reset.
    Raises: CmaError 3 with what to do if the port is absent, busy, forbidden or refuses.
    """
    import serial

    register_handlers()
    lock = PortLock(url)
    lock.acquire()
    try:
        _refuse_if_held(url)
        port = serial.serial_for_url(
            url, do_not_open=True, baudrate=baudrate, timeout=timeout_s, exclusive=exclusive
        )
        _open(port, url)
    except BaseException as error:
        lock.release()
        if isinstance(error, OSError | ValueError):
            raise explain(url, error) from error
        raise
    _release_on_close(port, lock)
    return port


def register_handlers() -> None:
    """Let pyserial know the URL handler packages that CMA_PORT_HANDLERS names."""
    import serial

    for package in os.environ.get("CMA_PORT_HANDLERS", "").split(","):
        if package and package not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append(package)


def explain(url: str, error: OSError | ValueError) -> CmaError:
    """Return the error that tells a person why a port did not open and what to do."""
    return no_device(_sentence(url, error, str(error)))


def _sentence(url: str, error: OSError | ValueError, text: str) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if sys.platform == "win32" and "Access is denied" in text:
        sentence = f"{url} is in use by another program: close it, then run this again."
    elif number == errno.EACCES:
        sentence = permission_sentence(url)
    elif number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        sentence = busy_sentence(url)
    elif number == errno.ENOENT or "FileNotFoundError" in text:
        sentence = (
            f"No such port: {url}. Plug the board in with a data cable, then run: cma devices"
        )
    elif isinstance(error, ValueError):
        sentence = f"{url} is not a port that can be opened: run cma devices. ({text})"
    elif url.startswith("virtual://"):
        sentence = f"{url}: {text}"  # its words end with what to do
    else:
        reason = _PREFIX.sub("", text).rstrip(".")
        sentence = f"{url} does not open: {reason}. Run cma doctor."
    return sentence


def permission_sentence(path: str) -> str:
    """Return what to type to be let at a device, with the group that really owns it."""
    return (
        f"{path}: permission denied. "
        f"Run: sudo usermod -aG {owning_group(path)} $USER, then log in again"
    )


def owning_group(path: str) -> str:
    """Return the group of a device file; `dialout` where that cannot be told or does not help."""
    try:
        import grp

        name = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return "dialout"
    return "dialout" if name == "root" else name


def busy_sentence(path: str) -> str:
    """Return who has a device open and what to do about it."""
    holders = holders_of(path)
    who = ", ".join(str(holder) for holder in holders) or "another program"
    return f"{path} is in use by {who}: close it, then run this again."


def _refuse_if_held(url: str) -> None:
    # A program that took no lock would eat half of what the board says.
    if url.startswith("/dev/") and holders_of(url):
        raise no_device(busy_sentence(url))


def _open(port: Any, url: str) -> None:
    if sys.platform == "win32" and _vendor_of(url) == SILICON_LABS:
        # Source: mpremote. After a power-on its Windows driver sets DTR and RTS at different
        # times on opening, which resets the board.
        port.dtr = port.rts = False
        port.open()
        port.dtr = port.rts = True
    else:
        port.open()


def _vendor_of(url: str) -> int | None:
    from serial.tools.list_ports import comports

    return next((found.vid for found in comports() if found.device == url), None)


def _release_on_close(port: Any, lock: PortLock) -> None:
    close = port.close

    def close_and_release() -> None:
        try:
            close()
        finally:
            lock.release()

    port.close = close_and_release
