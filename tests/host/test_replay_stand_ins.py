"""What an application imports on a board is there while it is replayed, and gone after it."""

import sys
import time

import pytest

from cma_toolkit.sim.replay.stand_ins import DivergedError, ResetError, StandIns


def test_time_is_the_replays_and_never_passes_by_waiting() -> None:
    with StandIns(lambda: 1_234).installed():
        clock = sys.modules["time"]
        clock.sleep_ms(1_000_000)
        assert clock.ticks_ms() == 1_234
        assert clock.ticks_diff(clock.ticks_add(2**30 - 1, 2), 2**30 - 1) == 2
    assert sys.modules["time"] is time


def test_what_no_board_notes_is_said_by_name() -> None:
    with StandIns(lambda: 0).installed():
        pin = sys.modules["machine"].Pin
        with pytest.raises(DivergedError, match=r"calls machine\.Pin"):
            pin(4)
        with pytest.raises(ResetError):
            sys.modules["machine"].reset()
    assert "machine" not in sys.modules


def test_tasks_are_left_out_and_it_is_known() -> None:
    stand_ins = StandIns(lambda: 0)

    async def task() -> None:
        raise AssertionError("it is not run")

    with stand_ins.installed():
        sys.modules["asyncio"].create_task(task())
    assert stand_ins.has_tasks
