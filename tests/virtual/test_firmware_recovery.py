"""Nobody is locked out: crashes, hangs and sleep on boards that run our firmware."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.limits import UNCLEAN_BOOTS_MAX
from cma_toolkit.host_tools.ports.session import BoardSession
from support.board_records import AgentBoard
from support.tools import mpremote
from support.virtual import VirtualBoards

GOOD = "def setup(agent):\n    agent.report('good')\n"
# The kernel has no memory left once the handler is over.
HOARD = """
            try:
                while True: kept[0] = (kept[0], None)
            except MemoryError:
                pass"""
# Each ends the program, or never does, or starves it.
CRASHES = {
    "exits": ("raise SystemExit", "panic"),
    "resets": ("import machine; machine.reset()", "panic"),
    "hangs": ("\n            while True: pass", "watchdog"),
    "hoards": (HOARD, "panic"),
}
ROMFS = load_board("esp32-devkitc").partition("romfs")


def crashing(what: str) -> str:
    return (
        "kept = [None]\ndef setup(agent):\n    @agent.every(50)\n"
        f"    def f():\n        if True: {what}\n"
    )


def health(board: AgentBoard, since: int = 0) -> dict[str, Any]:
    return board.wait(lambda fields: fields["kind"] == "health", since)


def boots(board: AgentBoard, since: int = 0) -> int:
    return sum(fields.get("event") == "started" for fields in board.records()[since:])


@pytest.mark.parametrize("how", CRASHES)
def test_an_application_that_crashes_each_time_is_left_out(
    shared_boards: VirtualBoards, how: str
) -> None:
    what, cause = CRASHES[how]
    board = AgentBoard(shared_boards, f"crash-{how}", crashing(what), {"watchdog_ms": 2000})
    event = board.wait(
        lambda fields: fields.get("event") == "safe mode" and isinstance(fields["value"], str)
    )
    assert "reset button" in event["value"]
    assert boots(board) == 1 + UNCLEAN_BOOTS_MAX
    since = board.mark()
    status = board.wait_status(lambda fields: fields["sent"] > 0, since)
    assert status["app"] == "safe mode" and status["safe_mode"]
    assert health(board)["resets"]["power_on"] == 1
    last = health(board, board.records().index(event))
    assert last["resets"][cause] == last["unclean_boots"] == UNCLEAN_BOOTS_MAX
    # Within reach: a new application gets in, and a changed one is tried.
    folder = Path(shared_boards.home) / "new"
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(GOOD)
    since = board.mark()
    mpremote(board.info.pty, "cp", folder / "app.py", ":/user/app.py", "+", "reset")
    board.wait_app("good", since)
    board.wait_event("safe mode left", since)
    board.client.stop(board.name)


def test_the_reset_button_gives_one_more_try(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "pressed", crashing(CRASHES["resets"][0]))
    board.wait_status(lambda fields: fields["safe_mode"])
    since, count = board.mark(), boots(board)
    board.client.press_reset(board.name)
    board.wait_event("safe mode left", since)
    board.wait_status(lambda fields: fields["safe_mode"], since)
    assert boots(board) == count + 2
    board.client.stop(board.name)


def test_the_last_traceback_is_told_after_the_reboot_and_kept_without_power(
    shared_boards: VirtualBoards,
) -> None:
    board = AgentBoard(shared_boards, "told", crashing(CRASHES["hoards"][0]))
    event = board.wait_event("crashed")
    text = event["value"]
    assert "MemoryError" in text.splitlines()[-1]
    board.wait_event("started", board.records().index(event))  # whose commit carries it
    since = board.mark()
    board.client.stop(board.name)
    board.client.start(board.name)
    assert health(board, since)["traceback"] == text
    board.client.stop(board.name)


def test_what_a_handler_raised_is_kept_too(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "raised", crashing("1 // 0"))
    board.wait_event("app error")
    board.wait_status(lambda fields: fields["uptime_ms"] > 3000)
    since = board.mark()
    board.client.stop(board.name)
    board.client.start(board.name)
    assert "ZeroDivisionError" in health(board, since)["traceback"]
    assert health(board, since)["unclean_boots"] == 0, "the agent went on"
    board.client.stop(board.name)


def test_work_at_the_prompt_is_no_crash(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "worked", GOOD)
    board.wait_app("good")
    for _ in range(UNCLEAN_BOOTS_MAX + 1):
        since = board.mark()
        mpremote(board.info.pty, "reset")
        board.wait_app("good", since)
    # What the life before the last reset still said of itself comes after the mark, too.
    since += next(
        place
        for place, fields in enumerate(board.records()[since:])
        if fields.get("event") == "started"
    )
    last = health(board, since)
    assert last["unclean_boots"] == last["safe_mode"] == 0
    assert last["resets"]["hard_reset"] == UNCLEAN_BOOTS_MAX + 1
    board.client.stop(board.name)


SLEEPY = {"wake_period_ms": 3000, "status_ms": 0}


def sleeping(shared_boards: VirtualBoards, name: str) -> AgentBoard:
    """Return a board that sleeps almost always, after its first wakes."""
    board = AgentBoard(shared_boards, name, GOOD, SLEEPY)
    board.wait(lambda fields: fields.get("event") == "resumed" and fields["value"] >= 3)
    return board


def by_a_press_of_the_button(board: AgentBoard) -> str:
    board.client.press_reset(board.name)
    return mpremote(board.info.pty, "exec", "print(6 * 7)").strip()


def by_knocking_until_it_wakes(board: AgentBoard) -> str:
    board.client.wait_for(board.name, "asleep", 10.0)
    with BoardSession(board.info.pty, wait_s=20.0) as session:
        return "42" if session.list("/user") else ""


@pytest.mark.parametrize("way", [by_a_press_of_the_button, by_knocking_until_it_wakes])
def test_a_board_that_sleeps_almost_always_is_reached(
    shared_boards: VirtualBoards, way: Callable[[AgentBoard], str]
) -> None:
    board = sleeping(shared_boards, f"sleepy-{way.__name__[3:8]}")
    assert way(board) == "42"
    board.client.stop(board.name)


BROKEN_OFF = """
import os
try:
    os.remove("/once")
except OSError:
    from loader.start import prepare
    prepare()
else:
    raise KeyboardInterrupt
"""


def test_a_start_that_nobody_heard_break_off_is_completed(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "broken-off", GOOD)
    board.wait_app("good")
    folder = Path(shared_boards.home) / "broken-off-files"
    folder.mkdir()
    (folder / "boot.py").write_text(BROKEN_OFF)
    (folder / "once").write_text("")
    mpremote(board.info.pty, "cp", folder / "boot.py", folder / "once", ":/")
    since = board.client.info(board.name).event_count
    board.client.press_reset(board.name)
    board.client.wait_for(board.name, "prompt", 20.0, since=since)
    with BoardSession(board.info.pty) as session:
        assert "app.py" in [entry.name for entry in session.list("/user")]
    board.client.stop(board.name)


def test_wakes_from_deep_sleep_are_no_boots(shared_boards: VirtualBoards) -> None:
    board = sleeping(shared_boards, "wakeful")
    assert shared_boards.client.info(board.name).boot_count >= 4, "each wake is a boot to the chip"
    assert boots(board) == 1
    board.client.stop(board.name)


def test_a_board_without_a_kernel_says_so_at_its_prompt(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "kernelless", GOOD)
    board.client.stop(board.name)
    board.write_flash(ROMFS.offset, b"\xff" * ROMFS.size_bytes)
    since = board.client.info(board.name).event_count
    board.client.start(board.name)
    board.client.wait_for(board.name, "prompt", 20.0, since=since)
    assert "no kernel that runs on this board" in board.printed()
    assert "run: cma flash" in board.printed()
    board.client.stop(board.name)
