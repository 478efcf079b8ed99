"""`make figure` fails when a figure misses its bar."""

import pickle
from types import SimpleNamespace

import pytest
from bench import run

NAMES = run.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_unit_and_a_bar(name: str) -> None:
    figure = run.load(name)
    assert figure.UNIT
    assert hasattr(figure, "AT_LEAST") or hasattr(figure, "AT_MOST")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_figure_defines_can_be_handed_to_other_processes(name: str) -> None:
    figure = run.load(name)
    for value in vars(figure).values():
        if getattr(value, "__module__", "") == figure.__name__:
            assert pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize(("value", "code"), [(1.79, 1), (1.8, 0)])
def test_a_missed_bar_is_told_and_fails(
    value: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = SimpleNamespace(UNIT="times", AT_LEAST=1.8, measure=lambda say: value)
    monkeypatch.setattr(run, "load", lambda name: figure)
    assert run.main([NAMES[0]]) == code
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"{NAMES[0]} {value:.3g} times"
    assert bool(said.err) == bool(code)


def test_an_unknown_figure_is_named_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["nonsense"]) == 2
    assert NAMES[0] in capsys.readouterr().err
