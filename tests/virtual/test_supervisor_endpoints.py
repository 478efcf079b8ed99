"""The three endpoints of a serial port, against pyserial itself and a loopback plug."""

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from cma_toolkit.sim.virtual_board.handlers import protocol_virtual
from support.loopback import DETACHED, Loopback

EVERY_BYTE = bytes(range(256)) * 64
KINDS = ("rfc2217", "pty", "fast")
# pyserial 3.5 names its reader thread in a way that Python has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


@pytest.fixture
def plug(virtual_home: Path) -> Iterator[Loopback]:
    plug = Loopback(virtual_home)
    yield plug
    plug.close()


def opened(plug: Loopback, kind: str, timeout_s: float | None = 5.0) -> serial.SerialBase:
    if kind == "fast":
        port = protocol_virtual.Serial(timeout=timeout_s)
        port.port = f"virtual://{plug.name}"
        port.open()
        return port
    url = plug.port.url if kind == "rfc2217" else plug.port.pty
    return serial.serial_for_url(url, timeout=timeout_s)


def closed(port: serial.SerialBase) -> None:
    # pyserial's RFC 2217 client forgets its socket without closing it when the far end hangs up
    # first; closing it here keeps that from being reported as ours.
    inner = getattr(port, "_socket", None)
    port.close()
    if inner is not None:
        inner.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_value_crosses_both_ways(plug: Loopback, kind: str) -> None:
    port = opened(plug, kind)
    writer = threading.Thread(target=port.write, args=(EVERY_BYTE,))
    writer.start()
    assert port.read(len(EVERY_BYTE)) == EVERY_BYTE
    writer.join()
    closed(port)


@pytest.mark.parametrize("kind", ["rfc2217", "fast"])
def test_reset_lines_arrive_in_order_and_float_at_the_end(plug: Loopback, kind: str) -> None:
    port = opened(plug, kind)
    port.dtr = False
    assert plug.log[-1] == (False, True)  # no wait: a change returns when the board has it
    port.rts = False
    port.dtr = True
    assert plug.log[-3:] == [(False, True), (False, False), (True, False)]
    closed(port)
    assert plug.detached.wait(5)
    assert plug.log[-1] == DETACHED


def test_opening_the_fast_port_asserts_both_lines_at_once(plug: Loopback) -> None:
    closed(opened(plug, "fast"))
    assert plug.log[0] == (True, True)


@pytest.mark.parametrize("first", ["rfc2217", "fast"])
def test_a_second_fast_client_is_told_who_has_the_port(plug: Loopback, first: str) -> None:
    port = opened(plug, first)
    started_s = time.monotonic()
    with pytest.raises(serial.SerialException, match=r"busy: .* has it open"):
        opened(plug, "fast")
    assert time.monotonic() - started_s < 3
    port.write(b"still mine")
    assert port.read(10) == b"still mine"
    closed(port)


@pytest.mark.parametrize("first", ["rfc2217", "fast"])
def test_a_second_network_client_is_refused_until_the_first_leaves(
    plug: Loopback, first: str
) -> None:
    port = opened(plug, first)
    number = plug.port.tcp_port
    with pytest.raises(serial.SerialException, match="Could not open port"):
        opened(plug, "rfc2217")
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", number))  # the board's port stays the board's
    closed(port)
    assert plug.detached.wait(5)
    again = opened(plug, "rfc2217")
    again.write(b"free")
    assert again.read(4) == b"free"
    closed(again)


def test_the_port_is_free_again_when_its_client_leaves(plug: Loopback) -> None:
    for _ in range(50):
        port = opened(plug, "fast")
        port.write(b"x")
        assert port.read(1) == b"x"
        port.close()


def test_an_unknown_board_and_a_home_without_supervisor_are_told_apart(
    plug: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = protocol_virtual.Serial()
    port.port = "virtual://nobody"
    with pytest.raises(serial.SerialException, match="there is no board nobody"):
        port.open()
    monkeypatch.setenv("CMA_VIRTUAL_HOME", str(tmp_path))
    with pytest.raises(serial.SerialException, match="cma virtual start nobody"):
        port.open()


def test_a_read_on_the_fast_port_ends_with_its_timeout_and_without_data(plug: Loopback) -> None:
    port = opened(plug, "fast", timeout_s=0.2)
    started_s = time.monotonic()
    assert port.read(5) == b""
    assert 0.19 < time.monotonic() - started_s < 3
    port.timeout = 0
    assert port.read(5) == b""
    closed(port)


def test_what_waits_on_the_fast_port_can_be_selected_counted_and_dropped(plug: Loopback) -> None:
    port = opened(plug, "fast")
    assert not select.select([port], [], [], 0)[0]
    port.write(b"abc")
    assert select.select([port], [], [], 5)[0]
    assert port.in_waiting == 3
    port.reset_input_buffer()
    assert port.in_waiting == 0
    port.write(b"d")
    assert port.read(1) == b"d"
    closed(port)


def test_the_fast_port_opens_again_after_a_close(plug: Loopback) -> None:
    port = opened(plug, "fast")
    port.close()
    with pytest.raises(serial.SerialException):
        port.read(1)
    port.open()
    port.write(b"again")
    assert port.read(5) == b"again"
    closed(port)


def test_a_fast_client_hears_that_its_board_was_unplugged(plug: Loopback) -> None:
    port = opened(plug, "fast")
    plug.call(lambda: plug._fast.drop(plug.name))
    with pytest.raises(serial.SerialException, match="was unplugged"):
        port.read(1)
    closed(port)


def test_a_fast_write_that_nobody_takes_ends_with_its_timeout(plug: Loopback) -> None:
    port = opened(plug, "fast")
    release = threading.Event()
    plug._loop.call_soon_threadsafe(release.wait)
    port.write_timeout = 0.2
    with pytest.raises(serial.SerialTimeoutException):
        port.write(bytes(8 << 20))
    release.set()
    closed(port)


def test_esptool_takes_the_fast_port_for_one_without_modem_ioctls(plug: Loopback) -> None:
    port = opened(plug, "fast")
    assert port.name.startswith("rfc2217:")
    closed(port)


def test_a_pty_drops_what_was_said_while_nobody_had_it_open(plug: Loopback) -> None:
    plug.send(b"nobody hears this")
    port = opened(plug, "pty")
    port.write(b"x")
    assert port.read(1) == b"x"
    closed(port)


def test_a_pty_forgets_what_its_last_program_did_not_read(plug: Loopback) -> None:
    port = opened(plug, "pty")
    plug.send(b"left behind")
    assert port.read(4) == b"left"
    port.close()
    plug.call(lambda: None)  # the close was seen in an earlier turn of the loop
    port = opened(plug, "pty")
    port.write(b"x")
    assert port.read(1) == b"x"
    closed(port)


def test_a_pty_is_found_under_a_stable_name(plug: Loopback, virtual_home: Path) -> None:
    link = virtual_home / plug.name / "tty"
    with serial.Serial(str(link), timeout=5) as port:
        port.write(b"x")
        assert port.read(1) == b"x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_reader_stops_the_board_and_loses_nothing(plug: Loopback, kind: str) -> None:
    port = opened(plug, kind)
    said = os.urandom(600_000)
    plug.send(said)
    assert plug.paused.wait(5)
    heard = bytearray()
    while len(heard) < len(said):
        chunk = port.read(max(1, min(port.in_waiting, 65536)))
        assert chunk
        heard += chunk
    assert heard == said
    assert plug.resumed.wait(5)
    closed(port)


@pytest.mark.parametrize("kind", ["pty", "fast"])
def test_a_reader_that_stopped_loses_bytes_that_are_counted(plug: Loopback, kind: str) -> None:
    port = opened(plug, kind)
    plug.send(bytes(600_000))
    assert plug.paused.wait(5)
    assert plug.resumed.wait(10)
    assert plug.line.dropped_bytes > 300_000
    closed(port)
