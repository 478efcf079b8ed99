"""Ports are listed as people count them; a UART without USB behind it has no board."""

from types import SimpleNamespace

import pytest
import serial.tools.list_ports

from cma_toolkit.host_tools.ports.discover import ESPRESSIF, list_ports, virtual_port


def found(device: str, vid: int | None, serial_number: str = "") -> SimpleNamespace:
    return SimpleNamespace(
        device=device,
        vid=vid,
        pid=1,
        product=None,
        description="UART Bridge",
        serial_number=serial_number,
    )


@pytest.fixture
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        found("/dev/ttyUSB10", 0x10C4, "0001"),
        found("/dev/ttyUSB2", 0x1A86),
        found("/dev/ttyS0", None),
        found("/dev/ttyACM0", ESPRESSIF, "A4:CF:12:00:00:07"),
    ]
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: ports)


@pytest.mark.usefixtures("plugged_in")
def test_ports_come_in_the_order_of_their_numbers_and_only_usb_ones() -> None:
    assert [port.url for port in list_ports()] == ["/dev/ttyACM0", "/dev/ttyUSB2", "/dev/ttyUSB10"]


@pytest.mark.usefixtures("plugged_in")
def test_native_usb_tells_its_mac_and_a_bridge_does_not() -> None:
    assert [port.mac for port in list_ports()] == ["a4:cf:12:00:00:07", "", ""]


@pytest.mark.usefixtures("plugged_in")
def test_virtual_boards_follow_the_real_ones() -> None:
    board = virtual_port(
        "v-1",
        chip="esp32",
        mac="02:00:00:00:00:01",
        url="rfc2217://127.0.0.1:4000",
        pty="/dev/pts/4",
        fast="virtual://v-1",
        state="rom",
    )
    ports = list_ports([board])
    assert ports[-1].url == "virtual://v-1"
    assert ports[-1].virtual and not ports[0].virtual
    assert ports[-1].label == "v-1"
