"""`cma energy diff`: what a change costs the battery, by handler and power state."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cma_toolkit.boards.load import DEFAULT_BOARD_IDS, Board
from cma_toolkit.host_tools.cli.app_options import (
    check_app,
    read_board,
    read_sensor,
    read_settings,
)
from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.cli.progress import print_table, progress_style
from cma_toolkit.host_tools.cli.sim_progress import showing
from cma_toolkit.host_tools.errors import CmaError, ExitCode, refused, usage
from cma_toolkit.host_tools.power.difference import Difference, Row, Use, compare
from cma_toolkit.host_tools.power.model import check_currents
from cma_toolkit.host_tools.project.revision import checked_out

_DAY_S, _HOUR_S = 86_400, 3_600
_UNCOUNTED_PART = 4  # of a run, in which the agents look for each other


@dataclass(frozen=True)
class _Question:
    """What both versions are run as."""

    board: Board
    agents: int
    seconds: int
    seed: int
    cluster: str
    settings: tuple[str, ...]
    sensors: dict[str, Any]


@dataclass(frozen=True)
class _Version:
    """One version of the application: its file, and what a person calls it."""

    app: Path
    name: str


@click.group(
    cls=Commands, epilog=examples("cma energy diff HEAD", "cma energy diff v1.2 --budget-uah 100")
)
def command() -> None:
    """Say what your application uses, and what a change of it costs the battery."""


@command.command(
    epilog=examples(
        "cma energy diff HEAD                     what is changed and not committed yet",
        "cma energy diff v1.2 --budget-uah 100    in CI: fail if a day costs more",
        "cma energy diff v1.2..v1.3 -o json",
    )
)
@click.argument("revision", metavar="REV")
@click.option(
    "--app",
    type=click.Path(path_type=Path),
    default=Path("app.py"),
    show_default=True,
    metavar="FILE",
    help="The application.",
)
@click.option(
    "--board",
    "board_id",
    default=DEFAULT_BOARD_IDS["esp32c3"],
    show_default=True,
    metavar="ID",
    help="Whose currents to count with.",
)
@click.option(
    "--battery-mah",
    type=Number(min=0, min_open=True),
    default=3_000.0,
    show_default=True,
    metavar="MAH",
    help="The battery.",
)
@click.option(
    "--budget-uah",
    type=Number(0),
    metavar="N",
    help="Fail if an agent uses more than N uAh a day more than before.",
)
@click.option(
    "--agents",
    type=click.IntRange(1, 1_000),
    default=4,
    show_default=True,
    metavar="N",
    help="How many run; the result is their mean.",
)
@click.option(
    "--hours",
    type=Number(0.1, 8_760),
    default=6.0,
    show_default=True,
    metavar="H",
    help="How long, in virtual time; the first quarter is not counted.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="N",
    help="Of both runs.",
)
@click.option(
    "--sensor",
    "sensors",
    multiple=True,
    metavar="NAME=VALUE",
    help="A sensor's value, or @FILE.csv of seconds,value. May be given several times.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, over those of each fleet.toml. May be given several times.",
)
@click.option("--cluster", default="", help="Whose settings to take from fleet.toml.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def diff(
    *,
    revision: str,
    app: Path,
    board_id: str,
    battery_mah: float,
    budget_uah: float | None,
    agents: int,
    hours: float,
    seed: int,
    sensors: tuple[str, ...],
    settings: tuple[str, ...],
    cluster: str,
    output: str,
    quiet: bool,
) -> None:  # fmt: skip
    """Run your application as it was in git revision REV and as it is now, and compare.

    REV..REV2 compares two revisions. Each has the fleet.toml of its time. What is used is said by
    handler and by power state, in uAh per day of an agent.
    """
    board = read_board(board_id)
    check_currents(board)
    seconds = round(hours * _HOUR_S)
    question = _Question(
        board, agents, seconds, seed, cluster, settings, dict(map(read_sensor, sensors))
    )
    style = progress_style("json" if output == "json" else "table", quiet)
    with _versions(app, revision) as (old, new), showing(style, "virtual seconds") as show:
        before, errors_before = _measure(old, question, lambda s, n: show(s, 2 * seconds, s, n))
        after, errors = _measure(new, question, lambda s, n: show(seconds + s, 2 * seconds, s, n))
    found = compare(before, after, battery_mah)
    if output == "json":
        click.echo(json.dumps(_fields(found)))
    else:
        _print(found)
    if budget_uah is not None and errors > errors_before:
        raise refused(
            f"Your application raised {errors} times, {errors_before} before: what it uses says "
            "nothing. See cma sim, and mend it."
        )
    if budget_uah is not None and found.more > budget_uah:
        raise refused(
            f"{found.more:+.1f} uAh/day is beyond the budget of {budget_uah:g}: "
            "make the change cheaper, or raise --budget-uah."
        )


@contextmanager
def _versions(app: Path, revision: str) -> Iterator[tuple[_Version, _Version]]:
    first, dots, second = revision.partition("..")
    if not first or (dots and not second) or second.startswith("."):
        raise usage(f"{revision}: write REV, or REV..REV2.")
    if not dots:
        check_app(app, "cma energy diff REV --app")
    if not app.parent.is_dir():
        raise usage(f"{app.parent}: no such folder; run this in your project, or name --app.")
    with checked_out(app.parent, first) as folder:
        _check_old(folder / app.name, app, first)
        old = _Version(folder / app.name, f"{app} of {first}")
        if not dots:
            yield old, _Version(app, str(app))
            return
        with checked_out(app.parent, second) as other:
            _check_old(other / app.name, app, second)
            yield old, _Version(other / app.name, f"{app} of {second}")


def _check_old(there: Path, app: Path, revision: str) -> None:
    if not there.is_file():
        raise usage(f"{revision} has no {app}: name a later revision, or another --app.")


def _measure(
    version: _Version, question: _Question, show: Callable[[int, int], None]
) -> tuple[Use, int]:
    from cma_toolkit.sim.world.app_loader import AppError, load_setup
    from cma_toolkit.sim.world.blame import Blame
    from cma_toolkit.sim.world.calls import watched
    from cma_toolkit.sim.world.failure import FailedError, told_of_hangs
    from cma_toolkit.sim.world.fleet import Fleet
    from cma_toolkit.sim.world.meter import NC_PER_UAH

    from_s = question.seconds // _UNCOUNTED_PART
    blame = Blame(from_s * 1000)
    settings = read_settings(version.app, question.cluster, question.settings)
    try:
        # A watch takes what lies beside it for the application's.
        path = str(version.app.resolve())
        with told_of_hangs(path):
            fleet = Fleet(
                watched(load_setup(path), blame),
                question.agents,
                question.seed,
                sensors=question.sensors,
                settings=dict(settings),
                currents=dict(question.board.current_ua),
                watchers=[blame],
                keep=False,
            )
            fleet.run(question.seconds, lambda done_s, _all_s, events: show(done_s, events))
            fleet.end()
    except AppError as error:
        raise usage(str(error)) from error
    except FailedError as error:
        raise CmaError(f"{version.name}: {error}; mend it.", ExitCode.SOME_FAILED) from error
    if fleet.log.error_count:
        times = fleet.log.error_count
        click.echo(f"{version.name} raised {times} times; run cma sim to see.", err=True)
    day_share = question.agents * (question.seconds - from_s) / _DAY_S
    used = {key: nc / NC_PER_UAH / day_share for key, nc in blame.used_by.items()}
    return used, fleet.log.error_count


def _fields(found: Difference) -> dict[str, Any]:
    return {
        "uah_per_day_before": round(found.before, 1),
        "uah_per_day": round(found.after, 1),
        "more_uah_per_day": round(found.more, 1),
        "battery_mah": found.battery_mah,
        "battery_days_before": round(found.days(found.before)),
        "battery_days": round(found.days(found.after)),
        "causes": [
            {
                "name": row.cause,
                "more_uah_per_day": round(row.more, 1),
                "more_days": round(found.days_more(row), 1),
            }
            for row in found.by_cause()
        ],
        "rows": [
            {
                "cause": row.cause,
                "state": row.state,
                "uah_per_day_before": round(row.before, 1),
                "uah_per_day": round(row.after, 1),
            }
            for row in found.rows
        ],
        "is_measured_on_silicon": False,
    }


def _days(found: Difference, row: Row) -> str:
    days = round(found.days_more(row), 1)
    return f"{days:+,.1f}" if days else "0"


def _print(found: Difference) -> None:
    rows = [
        [row.cause, row.state, f"{row.before:,.1f}", f"{row.after:,.1f}", f"{row.more:+,.1f}"]
        for row in found.changed()
    ]
    if rows:
        print_table(["who", "state", "before", "after", "uAh/day"], rows)
    for row in found.by_cause():
        click.echo(f"{row.cause}: {row.more:+,.1f} uAh/day, {_days(found, row)} days")
    same = "" if rows else "No change. "
    click.echo(
        f"{same}In all {found.before:,.0f} uAh/day before and {found.after:,.0f} after "
        f"({found.more:+,.1f}): {found.battery_mah:g} mAh last {found.days(found.before):,.0f} "
        f"days before and {found.days(found.after):,.0f} after."
    )
    if not any(row.state in ("light_sleep", "deep_sleep") for row in found.rows):
        click.echo("These agents never sleep: set wake_period_ms in fleet.toml, or with --set.")
