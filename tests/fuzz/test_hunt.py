"""The hunt itself: it finds what is planted, and says what inputs take and reach."""

from pathlib import Path

import pytest
from fuzz import run
from fuzz.catalogue import Parser
from fuzz.hunting import differing, hunt, judge, sow


class Planted(Parser):
    module = "fuzz.planted"
    package = "fuzz"


PLANTED = Planted("planted", 100_000, 16, is_host=True)


def test_a_mistake_behind_three_bytes_is_found_by_what_inputs_reach(tmp_path: Path) -> None:
    sow(PLANTED, tmp_path)
    told: list[int] = []
    found = hunt(PLANTED, tmp_path, ["-runs=100000", "-seed=1"], told.append)
    assert found.found is not None and found.found[:3] == b"\x5a\xa5!"
    assert "IndexError: planted" in found.text
    assert 0 < found.runs < 100_000 and told[-1] == found.runs


def test_a_hunt_that_finds_nothing_counts_its_runs(tmp_path: Path) -> None:
    sow(PLANTED, tmp_path)
    found = hunt(PLANTED, tmp_path, ["-runs=50", "-seed=1"], lambda count: None)
    assert (found.runs, found.found, found.text) == (50, None, "")


def test_heap_and_lines_are_told(tmp_path: Path) -> None:
    sow(PLANTED, tmp_path)
    verdict = judge(PLANTED, tmp_path)
    assert [fault.rpartition(" ")[2] for fault in verdict.faults] == [b"large".hex()]
    assert verdict.inputs == 2 and verdict.heap_permille > 10_000
    assert 0 < verdict.lines < verdict.lines_of
    (tmp_path / "more").write_bytes(b"\x5a\xa5")
    assert judge(PLANTED, tmp_path).lines > verdict.lines


def test_what_micropython_makes_otherwise_is_told() -> None:
    assert differing(PLANTED, [b"good", b"apart"]) == [f"MicroPython differs: {b'apart'.hex()}"]


def test_where_micropython_stops_is_told() -> None:
    hog = Planted("planted", 1, 16)
    [fault] = differing(hog, [b"large"])
    assert "MemoryError" in fault and b"large".hex() in fault


@pytest.mark.parametrize("arguments", [["nonsense"], ["--minutes", "0"]])
def test_what_is_mistyped_is_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
