"""Pins and wires that never fall silent, on real MicroPython: they hold up nothing."""

from support.drivers import ask, with_drivers
from support.running_board import RunningBoard


def test_a_pin_that_is_never_silent_delays_a_sleep_by_one_settling_time() -> None:
    code = """
import time
from device import knock
class Pin:
    POLLIN = 1
    poll = lambda self=None, left_ms=0: Pin
    register = lambda *_: None
    count = 0
    text = 'x'
    def read(count):
        Pin.count += count
        return Pin.text
Pin.stdin = Pin
knock.sys = knock.select = Pin
for span_ms in (0, 60):
    Pin.count, started_ms = 0, time.ticks_ms()
    knock.listen(span_ms)
    took_ms = time.ticks_diff(time.ticks_ms(), started_ms)
    print(Pin.count <= 256, 20 <= took_ms < 1000)
Pin.text = '\\x03'
try:
    knock.listen(0)
except KeyboardInterrupt:
    print('knocked')
"""

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "True True\nTrue True\nknocked\n"

    with_drivers(test)


def test_a_wire_that_babbles_is_read_in_turns_and_heard_once_it_is_quiet() -> None:
    code = """
from device import link_uart
from kernel.codec.cobs import Stuffer
class Wire:
    __init__ = lambda self, *_, **__: None
    rest = None  # what still comes; None: noise without end
    read = 0
    any = lambda self: Wire.rest is None or len(Wire.rest)
    def readinto(self, byte):
        Wire.read += 1
        byte[0] = 0x55
        if Wire.rest is not None:
            byte[0] = Wire.rest[0]
            Wire.rest = Wire.rest[1:]
class Board:
    class settings:
        whole = lambda name, default: 4
link_uart.UART = Wire
link = link_uart.UartLink(Board)
for _ in range(2):
    Wire.read = 0
    print(link.receive(), Wire.read)
stuffer = Stuffer()
size = stuffer.stuff(b'hello', 5)
Wire.rest = b'\\0' + bytes(stuffer.buffer[:size])
length = link.receive()
print(bytes(link.buffer[:length]), link.receive())
"""

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "0 1024\n0 1024\nb'hello' 0\n"

    with_drivers(test)
