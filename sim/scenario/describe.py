"""Turn a scenario into the plain description of a world: read its CSV files, check every value."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import load_board
from cma_toolkit.boards.strict import nearest
from cma_toolkit.firmware.kernel.config import SETTING_NAMES, Config
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.scenario.records import Scenario
from cma_toolkit.sim.world.sensors import rows_from_csv

CROWD = 50  # more agents than this do not all hear each other unless asked to
CROWD_RANGE_M = 25
_CSV = ".csv"


def describe(
    scenario: Scenario, path: Path, settings: Mapping[str, int], project: Path | None
) -> dict[str, Any]:
    """Return what `sim.world.driver` runs, for any seed.

    `settings` are those of the fleet, over which the scenario's go; `project` is the folder whose
    boards count before ours. Shape: the driver's, without the seed.
    Raises: ScenarioError (the file's author), BoardFileError (for an unknown board).
    """
    who = scenario.who
    app = path.parent / who.app
    if not app.is_file():
        raise ScenarioError(f"{path}: who.app: there is no {app}; name a file beside this one.")
    _check_settings(who.settings, path)
    return {
        "app": str(app),
        "agents": who.agents,
        "seconds": _seconds(scenario.when.minutes),
        "calm_seconds": _seconds(scenario.when.calm_minutes),
        "sensors": {name: _sensor(given, name, path) for name, given in who.sensors.items()},
        "battery": _battery(who.battery_mv, path),
        "currents": load_board(who.board, project).current_ua if who.board else {},
        "settings": {**settings, **who.settings},
        **_radio(scenario, path),
    }


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


_RADIO = {"range_m": (0, 100_000), "loss_permille": (0, 1000)}


def _radio(scenario: Scenario, path: Path) -> dict[str, int]:
    crowd_m = CROWD_RANGE_M if scenario.who.agents > CROWD else 0
    values = {"range_m": crowd_m, "loss_permille": 0, **scenario.radio}
    for key, value in values.items():
        if key not in _RADIO:
            raise ScenarioError(f'{path}: unknown key "{key}" in [radio]{nearest(key, _RADIO)}')
        least, most = _RADIO[key]
        if not isinstance(value, int) or not least <= value <= most:
            raise ScenarioError(f"{path}: radio.{key} is a whole number from {least} to {most}.")
    return values


def _sensor(given: float | str, name: str, path: Path) -> Any:
    if isinstance(given, str) and given.endswith(_CSV):
        return _rows(path, given, f"who.sensors.{name}", rows_from_csv)
    return given


def _battery(given: int | str, path: Path) -> Any:
    if not isinstance(given, str):
        return given
    rows = _rows(path, given, "who.battery_mv", rows_from_csv)
    if not all(isinstance(millivolts, int) for _at_s, millivolts in rows):
        raise ScenarioError(f"{path}: who.battery_mv: {given}: write whole millivolts.")
    return rows


def _rows(path: Path, name: str, key: str, read: Callable[[str], list[Any]]) -> list[Any]:
    file = path.parent / name
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {key}: {file} cannot be read ({error}); name a CSV file "
                            "beside the scenario.") from error  # fmt: skip
    except ValueError as error:
        raise ScenarioError(f"{path}: {key}: {file}: {error}; mend that file.") from error
