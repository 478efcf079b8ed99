"""Turn a scenario into the plain description of a world: read its CSV files, check every value."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import load_board
from cma_toolkit.boards.strict import nearest
from cma_toolkit.firmware.kernel.config import SETTING_NAMES, Config
from cma_toolkit.firmware.kernel.power.cluster_clock import FORGET_WINDOWS
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.scenario.records import BATTERY_MV_MAX, Scenario
from cma_toolkit.sim.scenario.trouble import kinds_to_draw, placed
from cma_toolkit.sim.world.checkers import menu as checkers
from cma_toolkit.sim.world.checkers.convergence import HEARD_WINDOWS
from cma_toolkit.sim.world.faults.draw import SPAN_MS_MIN as DRAW_MS_MIN
from cma_toolkit.sim.world.fleet import agent_names
from cma_toolkit.sim.world.hardware.climate import check_climate
from cma_toolkit.sim.world.hardware.supply import check_supply
from cma_toolkit.sim.world.medium.options import check_radio
from cma_toolkit.sim.world.medium.places import check_places, positions_from_csv
from cma_toolkit.sim.world.sensors import rows_from_csv

CROWD = 50  # more agents than this do not all hear each other unless asked to
CROWD_RANGE_M = 25
_CSV = ".csv"
_PARTS = ("radio: ", "places: ", "climate ", "supply ")
_CALM_S_MIN = 300
# In windows, of sleepers: a follower forgets whom it followed, searches, and is then heard.
_CALM_WINDOWS = FORGET_WINDOWS + 1 + HEARD_WINDOWS
_SEARCHES = 1 + 2  # as long as the first: by chance, that one may hear nobody


def describe(
    scenario: Scenario,
    path: Path,
    settings: Mapping[str, int],
    project: Path | None,
    minutes_from: str = "when.minutes",
) -> dict[str, Any]:
    """Return what `sim.world.driver` runs, for any seed.

    `settings` are those of the fleet, over which the scenario's go; `project` is the folder whose
    boards count before ours; `minutes_from` names what said how long it takes. Shape: the
    driver's, without the seed.
    Raises: ScenarioError (the file's author), BoardFileError (for an unknown board).
    """
    who = scenario.who
    app = path.parent / who.app
    if app.is_dir():
        raise ScenarioError(f"{path}: who.app: {app} is a folder; name the file in it.")
    if not app.is_file():
        raise ScenarioError(f"{path}: who.app: there is no {app}; name a file beside this one.")
    if app.suffix != ".py":
        raise ScenarioError(f"{path}: {who.app} is no Python file; name your application, a .py.")
    _check_settings(who.settings, path)
    _check(path, "must", lambda: checkers.make(scenario.must.checkers or ()))
    _check_that_it_can_fail(scenario, path)
    settings = {**settings, **who.settings}
    currents = load_board(who.board, project).current_ua if who.board else {}
    names, seconds = agent_names(who.agents), _seconds(scenario.when.minutes)
    draw = kinds_to_draw(scenario.faults, path)
    least_s = DRAW_MS_MIN // 1000 if draw else 1
    if seconds < least_s:
        what = "faults that are drawn need" if draw else "a run takes"
        raise ScenarioError(f"{path}: {minutes_from}: {what} {least_s} s at least; write more.")
    if 0 < (scenario.when.calm_minutes or 0) * 60 < 1:
        raise ScenarioError(f"{path}: when.calm_minutes: 1 s is the least; write more, or 0.")
    return {
        "app": str(app),
        "agents": who.agents,
        "seconds": seconds,
        "calm_seconds": _calm_seconds(scenario, settings),
        "sensors": {name: _sensor(given, name, path) for name, given in who.sensors.items()},
        "battery": _battery(who.battery_mv, path),
        "currents": currents,
        "settings": settings,
        "drift_ppm": who.drift_ppm,
        "climate": _climate(scenario, path),
        "supply": _supply(scenario, currents, path),
        "loss_permille": 0,
        "range_m": 0,
        "places": _places(scenario, path),
        "radio": _radio(scenario, names, path),
        "draw": draw,
        "faults": placed(scenario.faults, names, (seconds, minutes_from), path),
    }


def _calm_seconds(scenario: Scenario, settings: Mapping[str, int]) -> int:
    """Return the bound that is asked for; what troubles a fleet has one, asked for or not."""
    if scenario.when.calm_minutes is not None:
        return _seconds(scenario.when.calm_minutes)
    if not scenario.faults.draw and not scenario.faults.at:
        return 0
    period_ms = settings.get("wake_period_ms", 0)
    if not period_ms:
        return _CALM_S_MIN
    # Leaders of two clusters search at intervals that double from FORGET_WINDOWS on: the one that
    # runs when the faults end is longer by that than all before it together, at most.
    search_ms = _seconds(scenario.when.minutes) * 1000 + FORGET_WINDOWS * period_ms
    calm_ms = _SEARCHES * search_ms + _CALM_WINDOWS * period_ms
    return max(_CALM_S_MIN, calm_ms // 1000)


def _check_that_it_can_fail(scenario: Scenario, path: Path) -> None:
    """Refuse a demand that nothing could break."""
    must = scenario.must
    energy = "must.used_uah_at_most" if must.used_uah_at_most is not None else ""
    if "energy" in (must.checkers or ()):
        energy = "the checker 'energy'"
    if energy and not scenario.who.board:
        raise ScenarioError(f"{path}: {energy} needs the currents of a board: write who.board.")


def _seconds(minutes: float) -> int:
    return round(minutes * 60)


def _check_settings(settings: Mapping[str, int], path: Path) -> None:
    for name, value in settings.items():
        problem = setting_problem(name, value)
        if problem:
            raise ScenarioError(f"{path}: who.settings: {name}: {problem}")


def setting_problem(name: str, value: int) -> str:
    """Return what is wrong with a setting of the kernel, "" if nothing is."""
    if name not in SETTING_NAMES:
        return "no such setting" + nearest(name, SETTING_NAMES)
    config = Config()
    config.take({name: value})
    if value != getattr(config, name):
        return "out of bounds; docs/power.md has the bounds of each."
    return ""


def _climate(scenario: Scenario, path: Path) -> dict[str, Any] | None:
    climate = scenario.climate
    if climate is not None:
        _check(path, "climate", lambda: check_climate(climate))
    return climate


def _supply(scenario: Scenario, currents: Mapping[str, int], path: Path) -> dict[str, Any] | None:
    supply, config = scenario.supply, Config()
    config.take_currents(dict(currents))
    if supply is not None:
        _check(path, "supply", lambda: check_supply(supply, config.currents_ua))
    return supply


def _places(scenario: Scenario, path: Path) -> dict[str, Any] | None:
    if not scenario.where:
        return None
    plain = dict(scenario.where)
    if plain.get("kind") == "positions" and "file" in plain:
        plain["rows"] = _rows(path, str(plain.pop("file")), "where.file", positions_from_csv)
    elif plain.get("kind") == "positions":
        raise ScenarioError(f"{path}: [where] has no file; name a CSV file beside this one.")
    _check(path, "where", lambda: check_places(plain, scenario.who.agents))
    return plain


def _radio(scenario: Scenario, names: Sequence[str], path: Path) -> dict[str, Any]:
    crowd_m = CROWD_RANGE_M if len(names) > CROWD else 0
    plain = {"range_m": crowd_m, **scenario.radio}

    def check() -> None:
        for key, inner in (("udp", "agents"), ("wires", "pairs")):
            table = plain.get(key)
            if isinstance(table, dict) and inner in table:
                plain[key] = {**table, inner: _numbers(table[inner], names)}
        check_radio(plain, len(names), names.__getitem__)

    _check(path, "radio", check)
    return plain


def _numbers(given: Any, names: Sequence[str]) -> Any:
    """Put the agents' numbers for their names, in a list or in pairs."""
    if isinstance(given, list):
        return [_numbers(one, names) for one in given]
    if isinstance(given, str) and given not in names:
        raise ValueError(f"{given} is no agent; they are called {names[0]} to {names[-1]}")
    return names.index(given) if isinstance(given, str) else given


def _check(path: Path, table: str, check: Callable[[], object]) -> None:
    try:
        check()
    except ValueError as error:
        text = str(error).rstrip(".")
        for part in _PARTS:  # of the world, each of which names itself; the table is named here
            text = text.removeprefix(part)
        raise ScenarioError(f"{path}: [{table}]: {text}.") from error


def _sensor(given: float | str, name: str, path: Path) -> Any:
    if isinstance(given, str) and given.endswith(_CSV):
        return _rows(path, given, f"who.sensors.{name}", rows_from_csv)
    return given


def _battery(given: int | str, path: Path) -> Any:
    if not isinstance(given, str):
        return given
    rows = _rows(path, given, "who.battery_mv", rows_from_csv)
    if not all(is_battery(millivolts) for _at_s, millivolts in rows):
        raise ScenarioError(
            f"{path}: who.battery_mv: {given}: write whole millivolts from 0 to {BATTERY_MV_MAX}."
        )
    return rows


def is_battery(millivolts: object) -> bool:
    """Tell whether it is a battery's voltage."""
    return isinstance(millivolts, int) and 0 <= millivolts <= BATTERY_MV_MAX


def _rows(path: Path, name: str, key: str, read: Callable[[str], list[Any]]) -> list[Any]:
    file = path.parent / name
    if not file.is_file():
        raise ScenarioError(f"{path}: {key}: there is no {file}; name a CSV file beside this one.")
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {key}: {file} cannot be read ({error}).") from error
    except ValueError as error:
        raise ScenarioError(
            f"{path}: {key}: {file}: {str(error).rstrip('.')}; mend that file."
        ) from error
