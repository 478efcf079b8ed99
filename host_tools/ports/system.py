"""What a computer has to do with serial ports: drivers, groups, programs that grab new ports.

Everything is read below `root`, so that a test can lay out a computer of its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cma_toolkit.host_tools.ports.lock import Holder, programs_named

# USB vendors whose devices are serial bridges, or chips with one inside.
BRIDGES = {
    "10c4": "CP210x",
    "1a86": "CH340",
    "0403": "FTDI",
    "303a": "Espressif",
    "067b": "PL2303",
}
GRABBERS = frozenset({"ModemManager", "brltty"})


@dataclass(frozen=True)
class UsbDevice:
    """A USB device that should bring a serial port."""

    ids: str
    bridge: str
    has_port: bool


@dataclass(frozen=True)
class System:
    """The computer below `root`."""

    root: Path = Path("/")

    def bridges(self) -> list[UsbDevice]:
        """Return the serial bridges on USB, with a port or without.

        Source: Linux sysfs; elsewhere nothing is found.
        """
        return sorted(self._bridges(), key=lambda device: device.ids)

    def grabbers(self) -> list[Holder]:
        """Return the running programs that open any new serial port on their own."""
        return programs_named(GRABBERS, self.root / "proc")

    def is_wsl(self) -> bool:
        """Return whether this is Linux inside Windows, where USB must be attached by hand."""
        try:
            return "microsoft" in (self.root / "proc/version").read_text().lower()
        except OSError:
            return False

    def _bridges(self) -> Iterator[UsbDevice]:
        folder = self.root / "sys/bus/usb/devices"
        for device in folder.iterdir() if folder.is_dir() else ():
            vendor = _read(device / "idVendor")
            if vendor in BRIDGES:
                ids = f"{vendor}:{_read(device / 'idProduct')}"
                yield UsbDevice(ids, BRIDGES[vendor], _has_port(device))


def _has_port(device: Path) -> bool:
    names = (name for _folder, folders, _files in os.walk(device) for name in folders)
    return any(name.startswith(("ttyUSB", "ttyACM")) for name in names)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
