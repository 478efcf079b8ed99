"""What `cma doctor` looks at: each check yields findings of one line, with how to mend them."""

import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.lock import holders_of
from cma_toolkit.host_tools.ports.serial_port import busy_sentence, permission_sentence
from cma_toolkit.host_tools.ports.system import System

Level = Literal["ok", "hint", "bad"]
MARKS: dict[Level, str] = {"ok": "ok", "hint": "--", "bad": "!!"}
PYTHON_MIN = (3, 11)
PACKAGES = ("esptool", "mpremote", "pyserial", "littlefs-python", "esp-idf-nvs-partition-gen")
RUNTIME_VARIABLE = "CMA_MICROPYTHON"
RUNTIME_MODULE = "micropython_run"


@dataclass(frozen=True)
class Finding:
    """One line: how it is and, unless it is well, what to do."""

    level: Level
    text: str
    code: ExitCode = ExitCode.OK

    def __str__(self) -> str:
        """Return the line."""
        return f"{MARKS[self.level]} {self.text}"


def findings(ports: Sequence[Port], system: System) -> Iterator[Finding]:
    """Look at everything, the computer first, then its ports."""
    yield from check_python(sys.version_info[:3])
    yield from check_packages(PACKAGES)
    yield from check_runtime()
    yield from check_grabbers(system)
    yield from check_bridges(system)
    yield from check_ports(ports, system)


def check_python(version: tuple[int, ...]) -> Iterator[Finding]:
    """Look at the interpreter."""
    shown = ".".join(str(number) for number in version)
    if version >= PYTHON_MIN:
        yield Finding("ok", f"Python {shown}")
    else:
        wanted = ".".join(str(number) for number in PYTHON_MIN)
        yield _refused(f"Python {shown} is too old: install Python {wanted} or later.")


def check_packages(names: Sequence[str]) -> Iterator[Finding]:
    """Look at the packages that do the work."""
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield _refused(f"{name} is missing. Run: pip install --force-reinstall cma-toolkit")
    if versions:
        yield Finding("ok", ", ".join(versions))


def check_runtime() -> Iterator[Finding]:
    """Look at the MicroPython that virtual boards and tests run."""
    named = os.environ.get(RUNTIME_VARIABLE)
    if named:
        if os.access(named, os.X_OK):
            yield Finding("ok", f"MicroPython for virtual boards: {named}")
        else:
            yield _refused(
                f"{RUNTIME_VARIABLE} names {named}, which cannot run: mend or unset it."
            )
    elif importlib.util.find_spec(RUNTIME_MODULE):
        yield Finding("ok", "MicroPython for virtual boards and tests is installed")
    elif sys.platform == "linux":
        yield Finding(
            "hint", "no MicroPython for virtual boards. Run: pip install 'cma-toolkit[virtual]'"
        )
    else:
        yield Finding("hint", "virtual boards need Linux or WSL2; real boards work here")


def check_grabbers(system: System) -> Iterator[Finding]:
    """Look for programs that talk to a board before we do."""
    mends = {
        "ModemManager": "sudo systemctl disable --now ModemManager",
        "brltty": "sudo apt remove brltty",
    }
    for holder in system.grabbers():
        mend = mends[holder.command]
        yield Finding("hint", f"{holder} opens new serial ports on its own. Run: {mend}")


def check_bridges(system: System) -> Iterator[Finding]:
    """Look for USB bridges that brought no port."""
    for device in system.bridges():
        if not device.has_port:
            yield _absent(
                f"USB {device.ids} ({device.bridge}) has no serial port: its driver is missing, "
                "or brltty took it. Run: sudo apt remove brltty, then plug it in again."
            )


def check_ports(ports: Sequence[Port], system: System) -> Iterator[Finding]:
    """Look at each port: may we open it, and does another program have it?"""
    if not any(not port.virtual for port in ports):
        yield Finding("hint", _why_no_port(system))
    for port in ports:
        yield _check_port(port)


def exit_code(found: Sequence[Finding]) -> int:
    """Return 4 if the computer needs mending, else 3 if a port does, else 0."""
    codes = {finding.code for finding in found}
    return int(max(codes, default=ExitCode.OK))


def _check_port(port: Port) -> Finding:
    if "://" in port.url:
        return Finding("ok", f"{port.url}: {port.description}")
    if sys.platform != "win32" and not os.access(port.url, os.R_OK | os.W_OK):
        if not os.path.exists(port.url):
            return _absent(f"{port.url}: went away. Plug it in again.")
        return _absent(permission_sentence(port.url))
    if holders_of(port.url):
        return _absent(busy_sentence(port.url))
    return Finding("ok", f"{port.url}: {port.description or 'serial port'}, free")


def _why_no_port(system: System) -> str:
    if system.is_wsl():
        return "no USB serial port. In Windows run: usbipd attach --wsl --busid BUSID"
    return (
        "no USB serial port. A charge-only cable brings none: try another cable, "
        "another socket, or cma virtual create one"
    )


def _refused(text: str) -> Finding:
    return Finding("bad", text, ExitCode.REFUSED)


def _absent(text: str) -> Finding:
    return Finding("bad", text, ExitCode.NO_DEVICE)
