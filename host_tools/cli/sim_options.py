"""What `cma sim run` and `cma sim swarm` share: the file, and the options that go over it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource

from cma_toolkit.boards.strict import nearest
from cma_toolkit.host_tools.cli.app_options import (
    read_board,
    read_rows,
    read_sensor,
    read_setting,
    read_settings,
)
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.project import find_folder
from cma_toolkit.sim.scenario.describe import describe, is_battery
from cma_toolkit.sim.scenario.load import load
from cma_toolkit.sim.scenario.records import (
    AGENTS_MAX,
    BATTERY_MV_MAX,
    MINUTES_MAX,
    Faults,
    Must,
    Scenario,
)
from cma_toolkit.sim.scenario.unseeded import warning
from cma_toolkit.sim.world.faults.menu import NAMES

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_MINUTES_MIN = 0.1
_NOT_OF_THE_WORLD = {
    *("seed", "seeds", "jobs", "first", "output", "quiet", "report", "is_compiled"),
    *("shards", "dask"),
}


@dataclass(frozen=True)
class World:
    """What a command line asks for: the description, and the words that ask for the same again."""

    file: Path
    scenario: Scenario
    plain: dict[str, Any]
    words: tuple[str, ...]


def world_options(function: Decorated) -> Decorated:
    """Add FILE and the options that go over what it says, given to the command as `world`."""
    shared = [
        click.argument("file", type=click.Path(path_type=Path)),
        click.option("--agents", type=click.IntRange(1, AGENTS_MAX), metavar="N",
                     help="How many.  [default: 8, or FILE's]"),
        click.option("--minutes", type=Number(min=_MINUTES_MIN, max=MINUTES_MAX),
                     metavar="N", help="Virtual time.  [default: 10, or FILE's]"),
        click.option("--loss", type=click.IntRange(0, 100), metavar="N",
                     help="Percentage of frames that the air loses.  [default: 0, or FILE's]"),
        click.option("--range", "range_m", type=click.IntRange(0), metavar="M",
                     help="Reach of the radio in metres, 0: all hear all.  "
                     "[default: FILE's, or 0; 25 for a crowd]"),
        click.option("--sensor", "sensors", multiple=True, metavar="NAME=VALUE",
                     help="A sensor's value, or @FILE.csv of seconds,value. May be given several "
                     "times."),
        click.option("--battery", metavar="MV",
                     help="Millivolts of every battery, or @FILE.csv of seconds,value.  "
                     "[default: 4000, or FILE's]"),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="A setting, over those of FILE and of the fleet.toml beside it. May be "
                     "given several times."),
        click.option("--faults", metavar="WHICH",
                     help="draw: the seed decides which; NAME,NAME: among these; none.  "
                     "[default: none, or FILE's]"),
        click.option("--board", "board_id", default="", metavar="ID",
                     help="Whose currents to count energy with.  [default: none is counted]"),
        click.option("--cluster", default="", help="Whose settings to take from fleet.toml."),
        click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table",
                     help="For a person, or one JSON object."),
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
    ]  # fmt: skip
    result: Any = function
    for option in reversed(shared):
        result = option(result)
    return result  # type: ignore[no-any-return]


def read_world(given: dict[str, Any]) -> World:
    """Return the world of the options of `world_options`.

    Raises: CmaError, BoardFileError (whoever typed it), ScenarioError (the file's author).
    """
    file: Path = given["file"]
    scenario = _over(load(file), given)
    who = scenario.who
    of_fleet = read_settings(file.parent / who.app, who.cluster, ())
    if given["board_id"]:
        read_board(given["board_id"])
    minutes = given["minutes"]
    minutes_from = "when.minutes" if minutes is None else f"--minutes {minutes:g}"
    plain = describe(scenario, file, of_fleet, find_folder(Path.cwd()), minutes_from)
    plain["sensors"].update(read_sensor(text) for text in given["sensors"])
    if given["battery"] is not None:
        plain["battery"] = _battery(given["battery"])
    return World(file, scenario, plain, tuple(_typed(click.get_current_context())))


def warn_of_chance(world: World) -> None:
    """Say what in the application comes from no seed, if something does."""
    sentence = warning(Path(world.plain["app"]))
    if sentence:
        click.echo(f"warning: {sentence}", err=True)


def _over(scenario: Scenario, given: dict[str, Any]) -> Scenario:
    typed = dict(map(read_setting, given["settings"]))
    who = _replace(scenario.who, agents=given["agents"], board=given["board_id"] or None,
                   cluster=given["cluster"] or None,
                   settings={**scenario.who.settings, **typed})  # fmt: skip
    radio = dict(scenario.radio)
    if given["loss"] is not None:
        radio["loss_permille"] = given["loss"] * 10
    if given["range_m"] is not None:
        radio["range_m"] = given["range_m"]
    when = _replace(scenario.when, minutes=given["minutes"])
    over: Scenario = _replace(scenario, who=who, radio=radio, when=when)
    return over if given["faults"] is None else _with_faults(over, given["faults"])


def _with_faults(scenario: Scenario, which: str) -> Scenario:
    if which == "none":
        faults = Faults()
    else:
        names = () if which == "draw" else tuple(name.strip() for name in which.split(","))
        for name in names:
            if not name:
                raise usage(f"--faults {which}: there is nothing beside a comma; write NAME,NAME.")
            if name not in NAMES:
                raise usage(f'--faults {which}: unknown "{name}"{nearest(name, NAMES)}')
        faults = Faults(draw=names or True, at=scenario.faults.at)
    must: Must = scenario.must
    if not must.checkers and which != "none":  # an application alone: now there is what to check
        must = msgspec.structs.replace(must, checkers=None)
    return msgspec.structs.replace(scenario, faults=faults, must=must)


def _replace(record: Any, **values: Any) -> Any:
    changed = {key: value for key, value in values.items() if value is not None}
    return msgspec.structs.replace(record, **changed)


def _battery(text: str) -> Any:
    from cma_toolkit.sim.world.sensors import parse_value

    is_file = text.startswith("@")
    rows = read_rows(text[1:]) if is_file else [(0.0, parse_value(text))]
    if not all(is_battery(millivolts) for _at_s, millivolts in rows):
        raise usage(f"--battery {text}: write whole millivolts from 0 to {BATTERY_MV_MAX}, "
                    "or @FILE.csv of them.")  # fmt: skip
    return rows if is_file else rows[0][1]


def _typed(ctx: click.Context) -> Sequence[str]:
    """Return the options that were typed and change the world, as they would be typed again."""
    words: list[str] = []
    for option in ctx.command.params:
        name = option.name or ""
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and typed and name not in _NOT_OF_THE_WORLD:
            value = ctx.params[name]
            for one in value if option.multiple else (value,):
                words += [option.opts[0], str(one)]
    return words
