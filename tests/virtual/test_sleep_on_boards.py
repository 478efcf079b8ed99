"""Deep sleep, light sleep and their snapshots, with the real firmware on virtual boards."""

import struct
from pathlib import Path
from typing import Any

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.flash.table_state import finished_sector
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.handlers.protocol_virtual import Serial
from support.board_records import AgentBoard
from support.virtual import VirtualBoards

STATE = load_board("esp32-devkitc").partition("state")
RTC_HEAD = "<4sHHq"  # of the file that is a virtual board's RTC
RTC_HEAD_BYTES = 16
SNAPSHOT_AT = RTC_HEAD_BYTES + 18  # SPEC.md, "RTC memory"

# Long enough for a deep sleep to pay on a machine under load, where booting takes a second.
SLEEPY = {"wake_period_ms": 3000}

# What it counts in its state is on flash once; what a handler counts is forgotten by each wake.
COUNT = """
def setup(agent):
    agent.state.setdefault("kept", 7)
    agent.report("state", agent.state["kept"])
    seen = []

    @agent.every(3000)
    def tick():
        seen.append(1)
        agent.report("tick", len(seen))
"""


class Sleeper(AgentBoard):
    """A board that sleeps between its windows."""

    def wait_asleep(self, since: int = 0) -> Any:
        """Return for how long it goes to sleep, once it sleeps."""
        count = self.client.info(self.name).event_count
        value = self.wait_event("asleep", since)["value"]
        if self.client.info(self.name).state != "asleep":
            self.client.wait_for(self.name, "asleep", 10.0, since=count)
        return value

    def wakes(self) -> list[int]:
        """Return how often it woke, as each wake said."""
        return [f["value"] for f in self.records() if f.get("event") == "resumed"]

    def wait_wakes(self, count: int) -> None:
        """Wait for a wake with that number."""
        self.wait(lambda f: f.get("event") == "resumed" and f["value"] >= count)

    def state_flash(self) -> bytes:
        """Return the state partition."""
        return self.read_flash(STATE.offset, STATE.size_bytes)

    @property
    def rtc(self) -> Path:
        """Return the file that is its RTC."""
        return Path(self.info.folder) / "rtc.bin"


def test_a_sleeping_agent_goes_on_where_it_was_and_writes_no_flash(
    shared_boards: VirtualBoards,
) -> None:
    board = Sleeper(shared_boards, "sleeper", COUNT, SLEEPY)
    board.wait_wakes(2)
    flash = board.state_flash()
    board.wait_wakes(5)
    assert board.state_flash() == flash, "a wake writes nothing"
    numbers = board.wakes()
    assert numbers == list(range(1, len(numbers) + 1))
    started = [f["value"] for f in board.records() if f.get("event") == "started"]
    assert started == [1], "a wake is no boot"
    # The application is set up anew at each wake, and its timer goes on through the sleeps.
    ticks = [f["value"] for f in board.records() if f.get("what") == "tick"]
    assert len(ticks) >= 2 and set(ticks) == {1}
    assert {f["value"] for f in board.records() if f.get("what") == "state"} == {7}
    uptimes = [f["uptime_ms"] for f in board.records() if f["kind"] == "status"]
    assert uptimes == sorted(uptimes) and uptimes[-1] > 4 * SLEEPY["wake_period_ms"]
    board.client.stop("sleeper")


def flip(board: Sleeper) -> None:
    """Flip one bit of the snapshot."""
    data = bytearray(board.rtc.read_bytes())
    _, size, _, _ = struct.unpack_from(RTC_HEAD, data)
    assert size > 18 + 100
    data[SNAPSHOT_AT + 90] ^= 4
    board.rtc.write_bytes(data)


def empty(board: Sleeper) -> None:
    """Empty the RTC's memory, as after a loss of its power; the clock begins anew, too."""
    board.rtc.unlink()


def cut(board: Sleeper) -> None:
    """Lose the second half, as a memory that was being written."""
    data = bytearray(board.rtc.read_bytes())
    magic, size, pad, epoch = struct.unpack_from(RTC_HEAD, data)
    struct.pack_into(RTC_HEAD, data, 0, magic, 18 + (size - 18) // 2, pad, epoch)
    board.rtc.write_bytes(data)


def test_a_snapshot_that_is_lost_or_damaged_falls_back_to_flash(
    shared_boards: VirtualBoards,
) -> None:
    board = Sleeper(shared_boards, "damaged", COUNT, SLEEPY)
    board.wait_wakes(1)
    since = board.mark()
    for boots, damage in enumerate((flip, empty, cut), 2):
        board.wait_asleep(since)
        damage(board)
        board.wait_event("snapshot lost", since)
        assert board.wait_event("started", since)["value"] == boots, damage.__name__
        assert board.wait_app("state", since) == 7
        # It finds its windows again and sleeps on.
        since = board.mark()
        board.wait_event("resumed", since)
    assert not {f.get("event") for f in board.records()} & {"store damaged", "crashed"}
    board.client.stop("damaged")


def test_a_power_cut_asleep_is_a_new_boot_with_its_state(shared_boards: VirtualBoards) -> None:
    board = Sleeper(shared_boards, "unplugged", COUNT, SLEEPY)
    board.wait_wakes(2)
    board.wait_asleep(board.mark())
    board.client.cut_power("unplugged")
    since = board.mark()
    board.client.restore_power("unplugged")
    assert board.wait_event("started", since)["value"] == 2
    assert board.wait_app("state", since) == 7
    board.client.stop("unplugged")


def test_somebody_sets_the_clock_and_the_agent_sleeps_on(shared_boards: VirtualBoards) -> None:
    app = COUNT + (
        "    import machine\n"
        "    machine.RTC().datetime((2031, 5, 9, 0, 1, 2, 3, 0))\n"
        "    machine.RTC().datetime((2026, 1, 2, 0, 3, 4, 5, 0))\n"
    )
    board = Sleeper(shared_boards, "clock", app, SLEEPY)
    board.wait_wakes(2)
    spans = [f["value"] for f in board.records() if f.get("event") == "asleep"]
    assert all(0 < span <= SLEEPY["wake_period_ms"] for span in spans)
    board.client.stop("clock")


MEET = """
def setup(agent):
    @agent.every(4000)
    def talk():
        agent.publish("hello", agent.name)

    @agent.on("hello")
    def hello(message):
        agent.report("heard", message.value)
"""


def test_two_sleeping_boards_meet_in_their_windows(shared_boards: VirtualBoards) -> None:
    # A computer under load is late by tens of milliseconds, as no board is.
    settings = {"wake_period_ms": 4000, "listen_ms": 400, "network": 4711}
    one, other = (Sleeper(shared_boards, name, MEET, settings) for name in ("one", "other"))
    for board, peer in ((one, "other"), (other, "one")):
        board.wait_wakes(2)
        since = board.mark()
        assert board.wait_app("heard", since) == peer
        board.wait_asleep(since)
    for board in (one, other):
        assert len([f for f in board.records() if f.get("event") == "started"]) == 1
        board.client.stop(board.name)


TASK = """
import asyncio

def setup(agent):
    async def beside():
        for number in range(5):
            await asyncio.sleep_ms(100)
            agent.report("beside", number)
        agent.report("finished")

    agent.stay_awake(1200)
    asyncio.create_task(beside())
"""


def test_a_task_that_asks_for_it_keeps_its_agent_awake(shared_boards: VirtualBoards) -> None:
    board = Sleeper(shared_boards, "tasks", TASK, {"wake_period_ms": 8000})
    for _ in range(2):
        since = board.mark()
        board.wait_app("finished", since)
        numbers = [f["value"] for f in board.records()[since:] if f.get("what") == "beside"]
        assert numbers == [0, 1, 2, 3, 4]
        board.wait_event("asleep", since)
    board.client.stop("tasks")


NAPS = """
import asyncio, machine, time

naps = []
really_sleep = machine.lightsleep

def lightsleep(span_ms):
    started_ms = time.ticks_ms()
    really_sleep(span_ms)
    naps.append((started_ms, time.ticks_ms()))

machine.lightsleep = lightsleep

def setup(agent):
    async def beside():
        while True:
            await asyncio.sleep_ms(250)
            if len(naps) == 20:
                asleep_ms = sum([time.ticks_diff(end, start) for start, end in naps])
                all_ms = time.ticks_diff(naps[-1][1], naps[0][0])
                agent.report("share", asleep_ms * 100 // all_ms)
                naps.append(naps[-1])

    asyncio.create_task(beside())
"""


def test_light_sleep_goes_on_between_the_turns_of_a_users_task(
    shared_boards: VirtualBoards,
) -> None:
    # Booting costs more than these short light sleeps.
    currents = {"active": 40_000, "wifi_rx": 90_000, "light_sleep": 100, "deep_sleep": 10}
    board = Sleeper(shared_boards, "naps", NAPS, {"wake_period_ms": 4000}, currents=currents)
    # Awake until its next window after each turn, it would sleep a twentieth of the time.
    assert board.wait_app("share") > 40
    board.client.stop("naps")


def test_an_error_in_a_task_is_reported_and_the_agent_lives_on(
    shared_boards: VirtualBoards,
) -> None:
    app = TASK.replace('agent.report("finished")', "1 // 0")
    board = AgentBoard(shared_boards, "task-error", app)
    assert board.wait_event("app error")["where"] == "task"
    board.wait_status(lambda fields: fields["sent"] >= 2, board.mark())
    board.client.stop("task-error")


def test_a_listener_on_native_usb_keeps_the_board_awake(virtual_boards: VirtualBoards) -> None:
    board = Sleeper(virtual_boards, "native", COUNT, SLEEPY, board_id="xiao-esp32c3")
    board.wait_wakes(1)
    since = board.mark()
    port = Serial()
    port.port = board.info.fast
    port.open()  # by which nothing is reset
    with port:
        board.wait_event("kept awake", since)
        since = board.mark()
        board.wait(lambda f: f.get("what") == "tick" and f["value"] >= 2, since)
        assert not [f for f in board.records()[since:] if f.get("event") == "asleep"]
        since = board.mark()
    board.wait_asleep(since)
    board.client.stop("native")


def test_a_board_with_an_older_flash_map_runs_and_says_what_it_lacks(
    shared_boards: VirtualBoards,
) -> None:
    board = AgentBoard(shared_boards, "older", COUNT)
    board.client.stop("older")
    parts = [each for each in load_board("esp32-devkitc").partitions if each.label != "state"]
    board.write_flash(TABLE_OFFSET, finished_sector(partition_table.to_bytes(parts)))
    since = board.mark()
    board.client.start("older")
    assert "cma flash" in board.wait_event("no state partition", since)["value"]
    assert board.wait_event("started", since)["value"] == 1
    board.wait_status(lambda fields: fields["sent"] >= 1, since)
    board.client.stop("older")
