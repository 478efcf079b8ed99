"""What the power figures leave out is told: how much of it fits, and who misses the bar."""

from pathlib import Path

import pytest
from bench import run

from cma_toolkit.boards.load import list_boards, load_board
from support.power_figure import FIGURE_BOARD, PowerFigure

MANUAL = Path(__file__).parents[2] / "docs" / "power.md"
NAMES = [name for name in run.names() if name.startswith("average_power_mw")]


def figure(name: str) -> PowerFigure:
    """Return what a figure's file measures."""
    power = run.load(name).POWER
    assert isinstance(power, PowerFigure)
    return power


@pytest.mark.parametrize("name", NAMES)
def test_the_room_for_a_start_is_what_still_meets_the_bar(name: str) -> None:
    power = figure(name)
    assert power.at_most_mw == run.load(name).AT_MOST
    for board in list_boards():
        room_ms = power.room_ms(board)
        is_too_hungry = power.model(board).average_mw > power.at_most_mw
        assert (room_ms < 0) is is_too_hungry is (board in power.too_hungry())
        if not is_too_hungry:
            assert power.model(board, room_ms).average_mw <= power.at_most_mw
            assert power.model(board, room_ms + 1).average_mw > power.at_most_mw


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_and_the_manual_say_what_is_left_out(name: str) -> None:
    power, said = figure(name), []
    board = load_board(FIGURE_BOARD)
    value = power.measure(said.append)
    assert value == power.model(board).average_mw
    text = "\n".join(said)
    room_ms = power.room_ms(board)
    hungry = ", ".join(other.id for other in power.too_hungry())
    assert "NOT IN IT: importing the kernel and starting the agent" in text
    assert f"more than {room_ms} ms" in text and f"even without them: {hungry}" in text
    row = (
        f"| `{name}` | {power.kind}, {power.period_s} s | {value:.3f} mW | {power.at_most_mw} mW "
        f"| {room_ms} ms | {hungry} |"
    )
    assert row in MANUAL.read_text().splitlines()
