"""`cma rollout`: bring a published release to the boards of a fleet, few at first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli import rollout_show as show
from cma_toolkit.host_tools.cli.common import Commands, Decorated, examples
from cma_toolkit.host_tools.cli.progress import Output, progress_style
from cma_toolkit.host_tools.errors import ExitCode, usage
from cma_toolkit.host_tools.rollout.desk import Desk
from cma_toolkit.host_tools.rollout.records import DONE, HALTED, Rollout
from cma_toolkit.host_tools.rollout.store import Store
from cma_toolkit.host_tools.rollout.waves import USUAL

_output = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object.",
)

_PLAN_OPTIONS = [
    click.option(
        "--release", "number", type=int, metavar="N", help="Default: the current release."
    ),
    click.option("--to", "who", multiple=True, metavar="WHO", help="NAME, id:MAC or label=LABEL."),
    click.option(
        "--canary",
        default="1%",
        show_default=True,
        metavar="N|P%|WHO",
        help="Who goes first: at least one board, none of which may fail.",
    ),
    click.option(
        "--waves",
        "percents",
        default=",".join(map(str, USUAL)),
        show_default=True,
        metavar="P,P,P",
        help="Percent of the boards that are asked after each wave.",
    ),
    click.option(
        "--max-failures",
        "limit",
        default="1%",
        show_default=True,
        metavar="N|P%",
        help="With more it halts.",
    ),
    click.option(
        "--enough",
        type=click.IntRange(1, 100),
        default=90,
        show_default=True,
        metavar="P",
        help="Percent of the boards asked that must have it before the next wave.",
    ),
    click.option(
        "--soak",
        "soak_min",
        type=click.IntRange(0),
        default=60,
        show_default=True,
        metavar="MIN",
        help="For how long they must have had it.",
    ),
    click.option(
        "--silence",
        "silence_min",
        type=click.IntRange(1),
        metavar="MIN",
        help="A board that took it and is not heard for so long has failed; default: 360, or "
        "three wake periods.",
    ),
    click.option(
        "--window",
        "windows",
        multiple=True,
        metavar="HH:MM-HH:MM",
        help="When boards may take it, in this computer's time zone; default: always.",
    ),
    click.option(
        "--min-battery",
        "battery_mv",
        type=click.IntRange(0),
        default=0,
        metavar="MV",
        help="Wait with boards that told of less.",
    ),
    click.option(
        "--at-once",
        "in_flight_max",
        type=click.IntRange(1),
        metavar="N",
        help="How many boards may fetch it or try it at the same time; default: all.",
    ),
]


def _plan_options(function: Decorated) -> Decorated:
    for option in reversed(_PLAN_OPTIONS):
        function = option(function)
    return function


@click.group(
    cls=Commands,
    epilog=examples(
        "cma rollout rehearse                            # in an emulated fleet like yours",
        "cma rollout start                               # the published release, canaries first",
        "cma rollout start --to label=roof --waves 10,50,100 --window 22:00-05:00",
        "cma rollout status --watch",
        "cma rollout pause",
    ),
)
def command() -> None:
    """Bring a published release to your boards, few at first, and stop if it does harm.

    What was decided is in the fleet database; cma release serve offers it to boards and hears
    from them how it went.
    """


@command.command(
    epilog=examples(
        "cma rollout start",
        "cma rollout start --canary label=bench --soak 1440    # a day on the bench first",
        "cma rollout start --waves 10                          # to a tenth, and no further",
        "cma rollout start --max-failures 2% --dry-run",
    )
)
@_plan_options
@click.option("--dry-run", is_flag=True, help="Show the waves, start nothing.")
@_output
def start(dry_run: bool, output: Output, **given: Any) -> None:
    """Start to bring a release to boards: to all of the fleet, or to those named with --to."""
    from cma_toolkit.host_tools.cli.rollout_plan import plan

    with _store() as store:
        planned = plan(store.database, given, _now_s())
        if dry_run:
            show.plan(planned, output)
            return
        rollout = store.begin(planned.rollout, planned.waves)
        Desk(store).on_time(_now_s())
        _show(store, rollout.id, output)
        if output == "table":
            click.echo("Boards hear of it from cma release serve, while that runs.")


@command.command(
    epilog=examples(
        "cma rollout rehearse                        # as cma rollout start would go",
        "cma rollout rehearse --loss 30 --seeds 10 --window 22:00-05:00",
    )
)
@_plan_options
@click.option(
    "--loss",
    type=click.IntRange(0, 90),
    default=10,
    show_default=True,
    metavar="P",
    help="Percent of the frames on the air that are lost; more where it was seen so.",
)
@click.option(
    "--interrupted",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    metavar="P",
    help="Percent of the boards whose power fails in their update.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 1_000),
    default=72,
    show_default=True,
    metavar="H",
    help="After which a run ends, whatever is open.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=5, show_default=True, help="How many runs."
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="That of the first run."
)
@click.option("--quick", is_flag=True, help="By the schedules of boards, without app.py.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@_output
def rehearse(  # noqa: PLR0917 - click passes options by name
    loss: int,
    interrupted: int,
    hours: int,
    seeds: int,
    seed: int,
    quick: bool,
    quiet: bool,
    output: Output,
    **given: Any,
) -> None:
    """Say what a roll-out would do: hours, charge and failures, in an emulated fleet.

    Its agents run app.py. Takes the options of start. Leaves with 6 if it would halt, or not come
    to its end.
    """
    from cma_toolkit.host_tools.cli.rollout_plan import plan
    from cma_toolkit.host_tools.cli.rollout_rehearsal import Rehearsal

    with _store() as store:
        planned = plan(store.database, given, _now_s())
        rehearsal = Rehearsal(
            planned,
            store.database,
            loss_percent=loss,
            interrupted_percent=interrupted,
            hours=hours,
            is_quick=quick,
        )
        found = rehearsal.run(range(seed, seed + seeds), progress_style(output, quiet))
        store.predict(found)
    show.prediction(found, output)
    if any(run.state != DONE or run.failed or run.bricked for run in found.runs):
        raise SystemExit(int(ExitCode.SOME_FAILED))


@command.command(
    epilog=examples("cma rollout status --watch", "cma rollout status --steps -o json")
)
@click.argument("number", type=int, default=0, metavar="[N]")
@click.option("--watch", is_flag=True, help="Go on until it ends or halts.")
@click.option("--steps", is_flag=True, help="Show all that was done.")
@_output
def status(number: int, watch: bool, steps: bool, output: Output) -> None:
    """Show how far a roll-out is, wave by wave: the newest, or number N.

    Leaves with 6 if boards failed.
    """
    with _store() as store:
        rollout = _newest(store, number)
        if watch:
            from cma_toolkit.host_tools.cli.rollout_watch import watch as watch_it

            watch_it(store, rollout.id, output)
        _show(store, rollout.id, output, steps=steps)
        members = store.members(rollout)
    if show.has_failures(members):
        raise SystemExit(int(ExitCode.SOME_FAILED))


@command.command(epilog=examples("cma rollout pause"))
@_output
def pause(output: Output) -> None:
    """Offer nothing to boards until it is resumed; those on trial go on by themselves."""
    with _store() as store:
        _show(store, Desk(store).pause(_now_s()).id, output)


@command.command(epilog=examples("cma rollout resume", "cma rollout resume --yes   # halted"))
@click.option("--yes", is_flag=True, help="After a halt: count those that failed no more.")
@_output
def resume(yes: bool, output: Output) -> None:
    """Go on with a roll-out that was paused, or that halted."""
    with _store() as store:
        desk = Desk(store)
        rollout = desk.resume(_now_s(), yes=yes)
        desk.on_time(_now_s())
        _show(store, rollout.id, output)


@command.command(epilog=examples("cma rollout abort"))
@_output
def abort(output: Output) -> None:
    """End it where it is: no board is offered it any more, and those that have it keep it.

    To bring them back, publish what they had before as a release with a higher number.
    """
    with _store() as store:
        _show(store, Desk(store).abort(_now_s()).id, output)


@contextmanager
def _store() -> Iterator[Store]:
    from cma_toolkit.host_tools.fleet.database import Database
    from cma_toolkit.host_tools.fleet.project import STATE_FOLDER, need_folder

    folder = need_folder(Path.cwd())
    with Database(folder / STATE_FOLDER / "fleet.db") as database:
        yield Store(database)


def _newest(store: Store, number: int) -> Rollout:
    rollout = store.newest(number)
    if rollout is None:
        which = f"There is no roll-out {number}" if number else "There was no roll-out yet"
        raise usage(f"{which}: start one with cma rollout start.")
    return rollout


def _show(store: Store, number: int, output: Output, *, steps: bool = False) -> None:
    rollout = _newest(store, number)
    lines = store.steps(rollout) if steps or output == "json" else []
    predicted = store.prediction(rollout.digest)
    show.status(rollout, store.members(rollout), lines, predicted, now_s=_now_s(), output=output)
    if rollout.state == HALTED and output == "table":
        click.echo(
            "Halted: no board is offered it any more. Go on with cma rollout resume --yes, or end "
            "it with cma rollout abort."
        )


def _now_s() -> int:
    return int(time.time())
