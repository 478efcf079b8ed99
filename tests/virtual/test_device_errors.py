"""What a board's drivers do with errors, each by itself, on real MicroPython."""

from support.drivers import ask, with_drivers
from support.running_board import RunningBoard

SINK = """
from device.sink import Sink
class Board:
    class settings:
        name = 'x'
    switch_radio = lambda is_on: None
sink = Sink(Board)
def full(*_):
    raise MemoryError('full')
class Link:
    name = 'wire'
    send = receive = full
    switch = lambda is_on: None
"""


def test_a_link_without_memory_is_a_frame_not_delivered() -> None:
    code = (
        SINK
        + """
sink.links.append(Link)
sink.send(0, bytearray(20), 20)
print(sink.undelivered, sink.receive(0))
"""
    )

    async def test(board: RunningBoard) -> None:
        printed = await ask(board, code)
        assert printed.endswith("1 0\n") and "link failed" in printed

    with_drivers(test)


def test_what_cannot_be_told_is_counted() -> None:
    code = (
        SINK
        + """
class Mute(Exception):
    def __str__(self):
        raise ValueError('no words')
    __repr__ = __str__
sink.app_error('f', Mute())
print(sink.untold)
from device import sink as module
class Json:
    dumps = full
module.json = Json
sink.note('a')
sink.report(0, 1)
sink.app_event('b', 2)
sink.complain(Link, OSError(5))
print(sink.untold)
module.text_of = full
sink.app_error('f', ValueError('x'))
print(sink.untold, sink.traceback)
"""
    )

    async def test(board: RunningBoard) -> None:
        lines = (await ask(board, code)).splitlines()
        assert "1" in lines and "5" in lines
        assert lines[-1] == "7 b''"

    with_drivers(test)


def test_a_status_without_memory_is_counted_and_its_line_ended() -> None:
    code = (
        SINK
        + """
import sys
from device import telling
from device.loop import Loop
def begin(loop):
    sys.stdout.write('begun')
    raise MemoryError('full')
telling.print_status = begin
class Stand(Loop):
    def __init__(self):
        self.sink, self._status_count = sink, 0
loop = Stand()
loop._print_status()
print(sink.untold, loop._status_count)
"""
    )

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "begun\n1 1\n"

    with_drivers(test)


def test_an_exception_handler_of_the_users_own_stays() -> None:
    code = """
import asyncio
from device.loop import Loop
class Stand(Loop):
    _start = lambda self: None
    async def _turn_for_ever(self, asyncio):
        print(asyncio.get_event_loop().get_exception_handler() == own)
    def __init__(self):
        pass
own = print
asyncio.get_event_loop().set_exception_handler(own)
Stand().run()
asyncio.get_event_loop().set_exception_handler(None)
Stand().run()
print(asyncio.get_event_loop().get_exception_handler() is None)
"""

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "True\nFalse\nFalse\n"

    with_drivers(test)


def test_a_crash_is_recorded_and_said_before_the_links_close() -> None:
    code = """
from device import crash, ending, knock
class Loop:
    class sink:
        radio = lambda is_on: print('radio', is_on, len(machine.RTC().memory()) > 1536)
    class watchdog:
        feed = lambda: print('fed')
knock.listen = lambda span_ms: None
ending.tell(ValueError('x'), Loop)
from device.rtc import Rtc
machine.reset_cause = lambda: 2
rtc = Rtc()
crash.cause(rtc)
print(rtc.traceback)
rtc.save()
rtc = Rtc()
crash.cause(rtc)
print(rtc.traceback)
"""

    async def test(board: RunningBoard) -> None:
        lines = (await ask(board, code)).splitlines()
        assert "starts anew in 1 s" in lines[0]
        assert lines[1:4] == ["radio False True", "fed", "fed"]
        assert lines[4:] == ["b'agent: ValueError: x\\n'", "b''"], "told once"

    with_drivers(test)


def test_a_crash_leaves_the_clocks_record_as_it_was() -> None:
    code = """
from device import crash
from device.rtc import Rtc
rtc = Rtc()
first = rtc.now_ms()
rtc.save()
print(crash.record(b'one'), crash.record(b'two'), crash.record(bytes(512)))
rtc = Rtc()
print(rtc._is_kept, 0 <= rtc.now_ms() - first < 20_000)
"""

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "1000 2000 4000\nTrue True\n"

    with_drivers(test)
