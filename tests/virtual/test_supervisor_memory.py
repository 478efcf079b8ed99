"""A virtual board is small: dozens fit beside a person's editor."""

import importlib.util
from pathlib import Path

FIGURE = Path(__file__).parents[1] / "bench" / "figure_board_memory_mb.py"


def test_sixteen_boards_take_less_than_six_megabytes_each() -> None:
    # The supervisor's own share is four times that of the figure's 64 boards.
    spec = importlib.util.spec_from_file_location("figure_board_memory_mb", FIGURE)
    assert spec and spec.loader
    figure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figure)
    assert figure.measure(print, count=16) < 6
