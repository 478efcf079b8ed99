"""Off a terminal the demo tells sums that are true and never fall."""

import pytest

from cma_toolkit.host_tools.cli import demo_watch


def status(boots: int, received: int) -> dict[str, object]:
    return {"kind": "status", "boots": boots, "received": received}


def test_what_was_heard_stays_heard_when_a_boot_restarts_the_counters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boards = [demo_watch.BoardView("a"), demo_watch.BoardView("b")]
    monkeypatch.setattr(demo_watch, "LINE_EVERY_S", -1.0)
    view = demo_watch._Lines()
    told = []
    for board, record in (
        (0, status(1, 5)),
        (1, status(1, 4)),
        (0, status(2, 0)),
        (0, status(2, 3)),
    ):
        boards[board].on_record(record)
        view.draw(boards)
        told.append(capsys.readouterr().out)
    assert [line.split()[2] for line in told] == ["1/2", "2/2", "2/2", "2/2"]
    assert [int(line.split()[-3]) for line in told] == [5, 9, 9, 12]


def test_nothing_is_told_before_a_board_could_tell_of_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo_watch._Lines().draw([demo_watch.BoardView("a")])
    assert not capsys.readouterr().out
