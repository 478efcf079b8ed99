"""Which serial ports there are: those of USB devices, and those of virtual boards.

Source: pyserial's `comports()` names every UART of a computer; only one with a USB vendor id can
have a board behind it. It never names a pty or a URL, so virtual boards come from their registry.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ESPRESSIF = 0x303A
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


@dataclass(frozen=True)
class Port:
    """One place where a board answers: `url` is what opens it, `name` what a person calls it."""

    url: str
    description: str = ""
    name: str = ""
    chip: str = ""
    mac: str = ""
    vendor_id: int | None = None
    product_id: int | None = None
    serial_number: str = ""
    aliases: tuple[str, ...] = ()
    state: str = ""

    @property
    def virtual(self) -> bool:
        """Return whether a virtual board is behind it."""
        return bool(self.state)

    @property
    def label(self) -> str:
        """Return what stands for this port in a line of output."""
        return self.name or self.url


def virtual_port(
    name: str, *, chip: str, mac: str, url: str, pty: str, fast: str, state: str
) -> Port:
    """Make the port of a virtual board: our tools take its fast path, others its URL or pty."""
    return Port(
        url=fast,
        description=f"virtual board, {state}",
        name=name,
        chip=chip,
        mac=mac,
        aliases=tuple(filter(None, (name, url, pty))),
        state=state,
    )


def list_ports(virtual: Iterable[Port] = ()) -> list[Port]:
    """Return the ports of USB devices, then the virtual ones, each in order of name."""
    from serial.tools.list_ports import comports

    real = [
        Port(
            url=found.device,
            description=found.product or found.description or "",
            vendor_id=found.vid,
            product_id=found.pid,
            serial_number=found.serial_number or "",
            mac=_mac_of(found.vid, found.serial_number or ""),
        )
        for found in comports()
        if found.vid is not None
    ]
    return sorted(real, key=_by_name) + sorted(virtual, key=_by_name)


def _mac_of(vendor_id: int, serial_number: str) -> str:
    # The USB peripheral of S3, C3 and C6 has the factory MAC as its serial number.
    known = vendor_id == ESPRESSIF and _MAC.fullmatch(serial_number)
    return serial_number.lower() if known else ""


def _by_name(port: Port) -> tuple[str, int, str]:
    stem = port.label.rstrip("0123456789")
    return stem, int(port.label[len(stem) :] or 0), port.label
