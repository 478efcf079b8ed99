"""The faults of a scenario: which may be drawn, and those that a person put at an instant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cma_toolkit.boards.strict import nearest
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.scenario.records import Faults
from cma_toolkit.sim.world.faults import menu

Span = tuple[int, str]

_INSTANTS = {"start_s": "start_ms", "end_s": "end_ms"}


def kinds_to_draw(faults: Faults, path: Path) -> list[str]:
    """Return the kinds among which each seed draws.

    Raises: ScenarioError (the file's author).
    """
    if isinstance(faults.draw, bool):
        return list(menu.NAMES) if faults.draw else []
    for name in faults.draw:
        if name not in menu.NAMES:
            raise ScenarioError(
                f'{path}: faults.draw: unknown "{name}"{nearest(name, menu.NAMES)}'
            )
    return list(faults.draw)


def placed(faults: Faults, names: Sequence[str], span: Span, path: Path) -> list[dict[str, Any]]:
    """Return the faults that were put by hand, as the world is given them.

    Shape: `span` is how many seconds a run takes, and what said so.
    Raises: ScenarioError (the file's author).
    """
    return [
        _placed(given, names, span, f"{path}: faults.at, number {number}")
        for number, given in enumerate(faults.at, 1)
    ]


def _placed(given: dict[str, Any], names: Sequence[str], span: Span, where: str) -> dict[str, Any]:
    plain = {key: value for key, value in given.items() if key not in _INSTANTS}
    for key, key_ms in _INSTANTS.items():
        plain[key_ms] = _instant_ms(given.get(key), key, span, where)
    if plain["end_ms"] <= plain["start_ms"]:
        raise ScenarioError(f"{where}: write an end_s after its start_s.")
    if "agent" in plain:
        if plain["agent"] not in names:
            last = names[-1]
            raise ScenarioError(f"{where}: agent is one of {names[0]} to {last}, in quotes.")
        plain["agent"] = names.index(plain["agent"])
    problem = menu.wrong(plain, len(names))
    if problem:
        for key, key_ms in _INSTANTS.items():
            problem = problem.replace(key_ms, key)
        raise ScenarioError(f"{where}: {problem}.")
    return plain


def _instant_ms(value: object, key: str, span: Span, where: str) -> int:
    seconds, said_by = span
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ScenarioError(
            f"{where}: {key} is a number from 0 to the {seconds} s of {said_by}; write one."
        )
    if value > seconds:
        raise ScenarioError(
            f"{where}: {key} = {value:g} lies beyond the {seconds} s of {said_by}; "
            "give it more minutes."
        )
    return round(value * 1000)
