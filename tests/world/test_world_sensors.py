"""Sensors of a world: constants, tables, functions, waves, CSV files."""

import pytest

from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.sensors import WaveSensor, make_sensor, rows_from_csv


def at(second: int) -> Clock:
    clock = Clock()
    clock.now_ms = second * 1000
    return clock


def test_a_table_holds_each_value_until_the_next_row() -> None:
    rows = [(10, "a"), (20, "b")]
    assert [make_sensor(rows, 0, at(s)).read() for s in (0, 10, 19, 20, 99)] == list("aaabb")


def test_a_function_gets_the_time_and_the_agent() -> None:
    assert make_sensor(lambda second, agent: (second, agent), 4, at(7)).read() == (7, 4)


def test_agents_may_differ() -> None:
    given = {"agents": [5, [[0, 6]]]}
    assert [make_sensor(given, agent, at(0)).read() for agent in (0, 1)] == [5, 6]


def test_the_wave_rises_and_falls_in_whole_numbers() -> None:
    heights = [WaveSensor(0, at(s)).read() for s in (0, 150, 300, 450, 600)]
    assert heights == [0, 500, 1000, 500, 0]
    assert all(isinstance(height, int) for height in heights)
    assert WaveSensor(1, at(0)).read() != 0


def test_a_csv_file_is_read_with_or_without_a_heading() -> None:
    assert rows_from_csv("seconds,value\r\n0,1\n1.5,2.5\n\n9,wet\n") == [
        (0.0, 1),
        (1.5, 2.5),
        (9.0, "wet"),
    ]
    assert rows_from_csv("0,1\n") == [(0.0, 1)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no line"),
        ("a,b\n", "no line"),
        ("0,1\nx,2\n", "line 2"),
        ("5,1\n4,1\n", "line 2"),
        ("0,1\nnan,2\n", "line 2: 'nan' is no time"),
        ("0,1\n1e400,2\n", "line 2: '1e400' is no time"),
        ("-inf,1\n", "line 1: '-inf' is no time"),
        ("0,1\n5\n", "line 2: write seconds,value"),
        ("0,1\n5,\n", "line 2: write seconds,value"),
        ("0,1,2\n", "line 1: write seconds,value"),
    ],
)
def test_a_wrong_csv_file_names_its_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rows_from_csv(text)
