"""What happens to one board: resets, sleep, power, watchdogs, and who hears of it."""

import re
import time

import pytest
import serial

from cma_toolkit.sim.virtual_board.handlers import protocol_virtual
from cma_toolkit.sim.virtual_board.supervisor.client import Client
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.tools import mpremote
from support.virtual import VirtualBoards


@pytest.fixture
def board(virtual_boards: VirtualBoards) -> BoardInfo:
    return virtual_boards.make(name="desk")


@pytest.fixture
def client(virtual_boards: VirtualBoards) -> Client:
    return virtual_boards.client


def opened(timeout_s: float = 10.0) -> protocol_virtual.Serial:
    port = protocol_virtual.Serial(timeout=timeout_s)
    port.port = "virtual://desk"
    port.open()
    return port


def said_until(port: protocol_virtual.Serial, end: bytes) -> bytes:
    said = bytes(port.read_until(end))
    assert said.endswith(end), said
    return said


def run(board: BoardInfo, code: str) -> str:
    return mpremote(board.pty, "resume", "exec", code)


def type_at_prompt(port: protocol_virtual.Serial, code: str) -> None:
    port.write(b"\r")
    said_until(port, b">>> ")
    port.write(code.encode() + b"\r")
    said_until(port, b"\r\n")  # its echo


def test_the_reset_lines_reset_the_board_as_a_bridge_does(board: BoardInfo) -> None:
    port = opened()
    port.dtr = False  # RTS alone: EN low
    port.rts = False
    said_until(port, b"rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n")
    assert b"MicroPython" in said_until(port, b">>> ")
    port.close()


def test_dtr_held_while_the_reset_ends_enters_the_rom_loader(
    board: BoardInfo, client: Client
) -> None:
    port = opened()
    port.dtr = False
    assert client.info("desk").state == "reset"
    port.dtr = True
    port.rts = False
    said_until(port, b"waiting for download\r\n")
    assert client.info("desk").state == "rom"
    port.close()


def test_opening_and_closing_a_port_does_not_reset(board: BoardInfo, client: Client) -> None:
    run(board, "kept = 7")
    for _ in range(3):
        opened().close()
    assert run(board, "print(kept)") == "7\n"
    assert client.info("desk").boot_count == board.boot_count


def test_a_client_that_dies_in_mid_reset_leaves_no_board_in_reset(
    board: BoardInfo, client: Client
) -> None:
    port = opened()
    port.dtr = False
    since = client.info("desk").event_count
    port.close()
    client.wait_for("desk", "prompt", since=since)


def test_deep_sleep_is_silent_and_ends_with_its_timer_and_cause(
    board: BoardInfo, client: Client
) -> None:
    port = opened()
    since = client.info("desk").event_count
    type_at_prompt(port, "import machine; machine.deepsleep(1500)")
    client.wait_for("desk", "asleep", since=since)
    port.reset_input_buffer()
    port.write(b"\x03anybody?\r")
    port.timeout = 0.7
    assert port.read(1) == b""
    asleep = client.info("desk").event_count
    client.wait_for("desk", "prompt", since=asleep)
    port.close()
    code = "import machine; print(machine.reset_cause(), machine.wake_reason())"
    assert run(board, code) == "4 4\n"


def test_a_reset_wakes_a_board_that_sleeps_for_ever(board: BoardInfo, client: Client) -> None:
    port = opened()
    type_at_prompt(port, "import machine; machine.deepsleep()")
    client.wait_for("desk", "asleep")
    since = client.info("desk").event_count
    client.press_reset("desk")
    client.wait_for("desk", "prompt", since=since)
    port.close()
    assert run(board, "import machine; print(machine.reset_cause())") == "1\n"


def test_a_pin_wakes_a_sleeping_board(board: BoardInfo, client: Client) -> None:
    port = opened()
    code = "import esp32, machine; esp32.wake_on_ext0(machine.Pin(4, machine.Pin.IN), "
    type_at_prompt(port, code + "esp32.WAKEUP_ANY_HIGH); machine.deepsleep(600000)")
    client.wait_for("desk", "asleep")
    since = client.info("desk").event_count
    client.set_pin("desk", 5, True)
    assert client.info("desk").state == "asleep"
    client.set_pin("desk", 4, True)
    client.wait_for("desk", "prompt", since=since)
    port.close()
    code = "import machine; print(machine.reset_cause(), machine.wake_reason())"
    assert run(board, code) == "4 2\n"


def test_a_watchdog_that_is_not_fed_resets_the_board(board: BoardInfo, client: Client) -> None:
    port = opened()
    since = client.info("desk").event_count
    type_at_prompt(port, "import machine; w = machine.WDT(timeout=1000)")
    boot = client.wait_for("desk", "boot", since=since)
    client.wait_for("desk", "prompt", since=boot["number"])
    port.close()
    assert run(board, "import machine; print(machine.reset_cause())") == "3\n"


def test_a_power_cut_silences_and_forgets_and_the_files_stay(
    board: BoardInfo, client: Client
) -> None:
    run(board, "file = open('kept.txt', 'w'); file.write('still here'); file.close()")
    run(board, "import machine; machine.RTC().memory(b'gone')")
    assert client.cut_power("desk").state == "no-power"
    port = opened(timeout_s=0.3)
    port.write(b"\r")
    assert port.read(1) == b""
    port.dtr = False  # no reset starts a board without power
    port.rts = False
    assert client.info("desk").state == "no-power"
    port.close()
    since = client.info("desk").event_count
    client.restore_power("desk")
    client.wait_for("desk", "prompt", since=since)
    code = "import machine; print(open('kept.txt').read(), machine.RTC().memory())"
    assert run(board, code) == "still here b''\n"


def test_power_can_go_in_a_later_flash_write_and_tear_it(board: BoardInfo, client: Client) -> None:
    port = opened()
    since = client.cut_power("desk", after_flash_writes=4, torn_bytes=9).event_count
    type_at_prompt(port, "for i in range(99): open('f%d' % i, 'w').write('x' * 600)\r")
    client.wait_for("desk", "power-cut", since=since)
    port.close()
    assert client.info("desk").state == "no-power"
    since = client.info("desk").event_count
    client.restore_power("desk")
    client.wait_for("desk", "prompt", since=since)
    assert run(board, "import os; print(len([n for n in os.listdir() if n[0] == 'f']) < 9)")


def test_power_can_go_while_a_tool_is_flashing(virtual_boards: VirtualBoards) -> None:
    board = virtual_boards.make(name="blank", flashed=False)
    client = virtual_boards.client
    client.enter_download("blank")
    client.cut_power("blank", after_flash_writes=1, torn_bytes=5)
    # FLASH_BEGIN of 4 KiB at 0x1000 erases: the first flash operation.
    body = b"".join(word.to_bytes(4, "little") for word in (4096, 4, 1024, 0x1000))
    frame = b"\x00\x02" + len(body).to_bytes(2, "little") + bytes(4) + body
    port = serial.Serial(board.pty, timeout=5)
    port.write(b"\xc0" + frame + b"\xc0")
    client.wait_for("blank", "no-power")
    port.close()


def test_a_board_tells_of_its_led_and_reads_its_battery(board: BoardInfo, client: Client) -> None:
    since = client.info("desk").event_count
    code = "from machine import Pin; led = Pin(2, Pin.OUT); led.value(1)"
    run(board, code)
    client.wait_for("desk", "led", since=since)
    assert client.info("desk").led
    client.press_reset("desk")
    client.wait_for("desk", "prompt", since=client.info("desk").event_count - 1)


def test_what_a_board_printed_is_kept_and_bounded(
    board: BoardInfo, virtual_boards: VirtualBoards, client: Client
) -> None:
    port = opened(60.0)  # half a megabyte, byte by byte
    type_at_prompt(port, "for i in range(5000): print(i, 'x' * 120)\r")
    said_until(port, b"4999 ")
    port.close()
    files = sorted((virtual_boards.home / "desk").glob("console.log*"))
    assert [path.name for path in files] == ["console.log", "console.log.1"]
    assert all(path.stat().st_size <= 512 * 1024 for path in files)
    assert re.search(rb"4998 x+\r\n4999 ", files[0].read_bytes())


def test_blank_boards_print_the_boot_loop_of_their_chip(virtual_boards: VirtualBoards) -> None:
    virtual_boards.make("esp32-s3-devkitc-1", flashed=False, name="desk")
    port = opened()
    started_s = time.monotonic()
    said = said_until(port, b"invalid header: 0xffffffff") + said_until(port, b"ESP-ROM:esp32s3")
    assert time.monotonic() - started_s < 5
    assert b"rst:0x" in said
    port.close()


def test_an_unplugged_board_has_no_endpoint(
    board: BoardInfo, client: Client, virtual_boards: VirtualBoards
) -> None:
    port = opened()
    client.stop("desk")
    with pytest.raises(serial.SerialException, match="unplugged"):
        port.read(1 << 20)  # what it said before may come first
    port.close()
    with pytest.raises(serial.SerialException, match="cma virtual start desk"):
        opened()
    assert not (virtual_boards.home / "desk" / "tty").is_symlink()
