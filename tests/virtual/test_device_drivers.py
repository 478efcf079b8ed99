"""The drivers of flash, clock and RTC memory, each by itself, on real MicroPython."""

from cma_toolkit.sim.virtual_board.runtime.run_config import DEEP_SLEEP, WATCHDOG
from support.drivers import ask, with_drivers
from support.running_board import PROMPT, RunningBoard

# Two readings of a clock, one before and one after a boot, lie this far apart at most here.
BOOT_MS = 20_000


async def boot(board: RunningBoard, cause: int) -> None:
    board.boot(cause)
    await board.until(PROMPT)


def test_the_flash_port_erases_programs_and_reads_the_state_partition() -> None:
    code = """
from device.flash import open_flash
flash = open_flash("state")
buffer = bytearray(96)
flash.erase(1)
flash.program(4096 + 32, bytes(range(64)))
flash.read(4096, buffer)
print(flash.sector_count, flash.sector_bytes, buffer == b'\\xff' * 32 + bytes(range(64)))
flash.program(4096, b'\\x0f' * 32)          # beside it, and nothing of it is lost
flash.read(4096, buffer)
print(buffer == b'\\x0f' * 32 + bytes(range(64)))
across = bytearray(64)
flash.erase(2)
flash.program(4096 + 4064, b'\\x01' * 32)
flash.read(4096 + 4064, across)
print(across == b'\\x01' * 32 + b'\\xff' * 32)
flash.erase(1)
flash.read(4096 + 32, buffer)
print(buffer == b'\\xff' * 96)
try:
    flash.program(flash.sector_count * 4096, bytes(32))
except OSError:
    print('refused')
"""

    async def test(board: RunningBoard) -> None:
        sectors = board.board.partition("state").size_bytes // 4096
        said = await ask(board, code)
        assert said == f"{sectors} 4096 True\nTrue\nTrue\nTrue\nrefused\n"

    with_drivers(test)


def test_a_program_over_cells_that_are_not_erased_raises() -> None:
    code = """
from device.flash import open_flash
flash = open_flash("state")
flash.program(0, bytes(32))
try:
    flash.program(0, b'\\xff' * 32)
except OSError as error:
    print(error.errno)
"""

    async def test(board: RunningBoard) -> None:
        assert (await ask(board, code)).endswith("\n5\n")

    with_drivers(test)


RTC = "from device.rtc import Rtc\nrtc = Rtc()\n"
RESUME = RTC + "print(rtc.now_ms())\n"


def test_the_clock_reads_without_memory_and_within_its_period() -> None:
    code = RTC + (
        "import micropython\n"
        "first = second = 0\n"
        "micropython.heap_lock()\n"
        "first = rtc.now_ms()\nsecond = rtc.now_ms()\n"
        "micropython.heap_unlock()\n"
        "print(0 <= first < 1 << 29, (second - first) & ((1 << 29) - 1) < 100)"
    )

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "True True\n"

    with_drivers(test)


def test_the_clock_goes_on_through_deep_sleep_though_somebody_set_the_rtc() -> None:
    set_and_sleep = (
        "machine.RTC().datetime((2031, 5, 9, 0, 1, 2, 3, 0))\nprint(rtc.now_ms())\nrtc.save()\n"
    )

    async def test(board: RunningBoard) -> None:
        first, after_setting = map(int, (await ask(board, RESUME + set_and_sleep)).split())
        await boot(board, DEEP_SLEEP)
        woken = int(await ask(board, RESUME))
        assert first <= after_setting < woken < first + BOOT_MS

    with_drivers(test)


KEEP = RTC + (
    "class Agent:\n"
    "    snapshot_bytes = 300\n"
    "    def hibernate(now_ms, buffer):\n"
    "        buffer[:] = bytes(300 * [7])\n"
    "rtc.memory[:5] = b'crash'\nrtc.save(Agent)\n"
)
TAKE = RTC + (
    "taken = rtc.take_snapshot()\n"
    "print(taken if taken is None else bytes(taken) == bytes(300 * [7]),"
    " bytes(rtc.memory[:5]))\n"
)


def test_a_snapshot_is_taken_once_and_the_rest_stays() -> None:
    async def test(board: RunningBoard) -> None:
        assert await ask(board, TAKE) == f"None {bytes(5)!r}\n"
        assert await ask(board, KEEP) == ""
        await boot(board, DEEP_SLEEP)
        assert await ask(board, TAKE) == "True b'crash'\n"
        assert await ask(board, TAKE) == "None b'crash'\n"
        await boot(board, WATCHDOG)
        assert await ask(board, TAKE) == "None b'crash'\n"

    with_drivers(test)


def test_the_largest_snapshot_fits_the_rtcs_memory() -> None:
    code = RTC + (
        "class Agent:\n"
        "    snapshot_bytes = 1024\n"
        "    def hibernate(now_ms, buffer):\n"
        "        print(len(buffer))\n"
        "rtc.save(Agent)\nprint(len(machine.RTC().memory()) <= 2048)"
    )

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "1024\nTrue\n"

    with_drivers(test)


def test_a_flipped_bit_in_the_clocks_record_costs_the_snapshot_not_the_boot() -> None:
    flip = (
        "data = bytearray(machine.RTC().memory())\n"
        "data[10 + %d // 8] ^= 1 << %d %% 8\n"
        "machine.RTC().memory(data)\n"
    )

    async def test(board: RunningBoard) -> None:
        for bit in range(64):
            code = KEEP + flip % (bit, bit) + TAKE
            assert await ask(board, code) == "None b'crash'\n", f"bit {bit}"

    with_drivers(test)


def test_anything_in_the_rtcs_memory_is_survived() -> None:
    code = "import os\n" + "".join(
        f"machine.RTC().memory(os.urandom({length}))\n{RTC}print(rtc.take_snapshot())\n"
        for length in (0, 1, 9, 13, 17, 18, 19, 1042, 1043, 2048)
    )

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "None\n" * 10

    with_drivers(test)


def test_datagrams_that_wait_come_out_one_by_one() -> None:
    code = """
import network, socket
from device import link_udp
link_udp._PORT = 47613  # nobody else's frames come between
class Board:
    wlan = network.WLAN(0)
    class settings:
        wifi_ssid, wifi_password = 'cma-lab', 'cma-lab-password'
Board.wlan.active(True)
link = link_udp.UdpLink(Board)
print(link.receive())
link.switch(True)
print(link.receive())
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for length in (20, 250, 30, 300):
    sender.sendto(bytes([length & 255] * length), ('127.0.0.1', 47613))
for _ in range(5):
    length = link.receive()
    print(length, link.buffer[:length] == bytes([link.buffer[0]] * length), link.buffer[0])
link.switch(False)
print(link.receive())
"""

    async def test(board: RunningBoard) -> None:
        lines = (await ask(board, code)).splitlines()
        # Of one that is too long for a frame a byte too many is taken: it is dropped as such.
        frames = ["20 True 20", "250 True 250", "30 True 30", "251 True 44", "0 True 44"]
        assert lines == ["0", "0", *frames, "0"]

    with_drivers(test)


def test_light_sleep_ends_when_a_task_of_the_user_is_due() -> None:
    code = """
import asyncio, time
from device import sleeping
from kernel.effects import SLEEP_LIGHT
class Loop:
    class sink:
        radio = print
    class watchdog:
        feed = lambda: None
served = []
async def beside(started_ms):
    await asyncio.sleep_ms(200)
    served.append(time.ticks_diff(time.ticks_ms(), started_ms))
async def main():
    started_ms = time.ticks_ms()
    asyncio.create_task(beside(started_ms))
    await asyncio.sleep_ms(1)
    sleeping.sleep(SLEEP_LIGHT, 5000, Loop)
    await asyncio.sleep_ms(1)
    print(200 <= served[0] < 2000)
    started_ms = time.ticks_ms()
    sleeping.sleep(SLEEP_LIGHT, 300, Loop)  # nobody waits for anything
    print(time.ticks_diff(time.ticks_ms(), started_ms) >= 300)
asyncio.run(main())
"""

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "False\nTrue\nFalse\nTrue\n"

    with_drivers(test)


def test_a_long_light_sleep_feeds_the_watchdog_in_time() -> None:
    code = """
import asyncio, machine
from device import sleeping
from device.watchdog import SLICE_MS
from kernel.effects import SLEEP_LIGHT
machine.lightsleep = lambda span_ms: print('slice' if span_ms == SLICE_MS else span_ms)
class Loop:
    class sink:
        radio = lambda is_on: None
    class watchdog:
        feed = lambda: print('fed')
async def main():
    sleeping.sleep(SLEEP_LIGHT, 2 * SLICE_MS + 1, Loop)
asyncio.run(main())
"""

    async def test(board: RunningBoard) -> None:
        lines = (await ask(board, code)).split()
        assert lines == ["fed", "slice", "fed", "slice", "fed", "1"]

    with_drivers(test)


def test_what_espnow_has_queued_leaves_before_the_radio_goes_off() -> None:
    code = """
import espnow, network
from device.link_espnow import EspnowLink
network.WLAN(0).active(True)
link = EspnowLink(None)
link.switch(True)
service = espnow.ESPNow()
asked = []
def stats():
    asked.append(service.active())
    return (1, len(asked) // 4, 0, 0, 0)
service.stats = stats
link.switch(False)
print(asked, service.active())
link.switch(True)  # nothing ever answers: it is not waited for without end
asked.clear()
service.stats = lambda: (asked.append(1), (1, 0, 0, 0, 0))[1]
link.switch(False)
print(10 < len(asked) < 1000, service.active())
"""

    async def test(board: RunningBoard) -> None:
        lines = (await ask(board, code)).splitlines()
        assert lines == ["[True, True, True, True] False", "True False"]

    with_drivers(test)


def test_a_deep_sleep_that_a_knock_was_waited_for_through_is_left_to_the_agent() -> None:
    code = RTC + (
        "import time\n"
        "from device import knock, sleeping\n"
        "from kernel.effects import SLEEP_DEEP\n"
        "from kernel.ticks import ticks_add\n"
        "machine.deepsleep = lambda span_ms: print('deep', 0 < span_ms <= 60_000)\n"
        "knock.before_deep_sleep = lambda is_first: time.sleep_ms(300 if is_first else 0)\n"
        "class Loop:\n"
        "    rtc = rtc\n"
        "    is_first_sleep = True\n"
        "    class recorder:\n"
        "        note = lambda kind, now_ms: None\n"
        "    class sink:\n"
        "        radio = lambda is_on: None\n"
        "        note = lambda event, value: print(event, 0 < value <= 60_000)\n"
        "    class agent:\n"
        "        snapshot_bytes = 10\n"
        "        on_heap = hibernate = lambda *_: None\n"
        "for span_ms in (100, 60_000):\n"
        "    Loop.sink.sleep_until_at_ms = ticks_add(rtc.now_ms(), span_ms)\n"
        "    sleeping.sleep(SLEEP_DEEP, span_ms, Loop)\n"
        "    print(Loop.is_first_sleep)\n"
    )

    async def test(board: RunningBoard) -> None:
        assert await ask(board, code) == "False\nasleep True\ndeep True\nFalse\n"

    with_drivers(test)
