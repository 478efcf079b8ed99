"""`cma sim run`: one world, one seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.progress import progress_style
from cma_toolkit.host_tools.cli.sim_compiled import compiled_option, start_over
from cma_toolkit.host_tools.cli.sim_guest import find_difference, guest_number, guest_option
from cma_toolkit.host_tools.cli.sim_options import World, read_world, warn_of_chance, world_options
from cma_toolkit.host_tools.cli.sim_progress import showing
from cma_toolkit.host_tools.cli.sim_shards import check_shards, dask_option, shards_option
from cma_toolkit.host_tools.cli.sim_show import print_json, print_result, print_verdict
from cma_toolkit.host_tools.errors import CmaError, ExitCode, disk_error, usage


@click.command(
    short_help="Run a scenario or an application once.",
    epilog=examples(
        "cma sim app.py --agents 8",
        "cma sim app.py --agents 3 --minutes 60 --seed 7 --loss 5 --sensor soil=@soil.csv",
        "cma sim app.py --minutes 60 --set wake_period_ms=60000 --board esp32-s3-devkitc-1",
        "cma sim run greenhouse.toml --seed 7",
        "cma sim run greenhouse.toml --report greenhouse.html",
        "cma sim app.py --agents 1000 --minutes 5 --compiled -o json",
        "cma sim run field.toml --shards 4 --dask tcp://10.0.0.5:8786",
    ),
)
@world_options
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="N",
    help="Same seed, same run.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write a page that shows the run: map, energy, faults, each agent's life.",
)
@guest_option
@compiled_option
@shards_option
@dask_option
def run(  # noqa: PLR0917 - click passes options by name
    output: str,
    quiet: bool,
    seed: int,
    report: Path | None,
    guest: str | None,
    is_compiled: bool,
    shards: int,
    dask: str,
    **given: Any,
) -> None:
    """Run FILE, an application or a scenario, in one process and in virtual time.

    The last line is the digest of everything that happened: same seed, same digest, unless the
    application asks random, time or os.urandom: those are this computer's.
    """
    from cma_toolkit.sim.scenario.replay import failure_line

    world = read_world(given)
    if guest:
        guest_number(world, guest)
    if guest and is_compiled:
        raise usage("--in-micropython runs the files as they are: leave out --compiled.")
    check_shards(world, shards, dask, guest, report)
    if is_compiled:
        start_over()
    warn_of_chance(world)
    style = progress_style("json" if output == "json" else "table", quiet)
    if report is None:
        outcome = _run(world, seed, style, shards=shards, dask=dask)
    else:
        outcome = _run_and_report(world, seed, style, report)
    result = outcome.result
    if result is not None:
        _check_sensors(world.plain, result)
        if output == "json":
            print_json(result, outcome.failure)
        else:
            print_result(result, outcome.seconds, has_board=bool(world.scenario.who.board))
            print_verdict(outcome, world.scenario.must, bool(world.plain["draw"]))
            click.echo(f"digest {outcome.digest}")
    if guest and not outcome.failure:
        difference = find_difference(world, outcome, guest, style)
        outcome = replace(outcome, failure=difference)
        if not difference:
            click.echo(f"{guest} in MicroPython: the same digest", err=True)
    if outcome.failure:
        click.echo(outcome.traceback, err=True, nl=False)
        click.echo(failure_line(outcome, world.file, world.words), err=True)
        raise SystemExit(int(ExitCode.SOME_FAILED))


def _run_and_report(world: World, seed: int, style: str, file: Path) -> Any:
    from cma_toolkit.sim.report.page import write_page
    from cma_toolkit.sim.report.recorder import Recorder
    from cma_toolkit.sim.scenario.replay import code_of

    if not file.parent.is_dir():
        raise usage(f"--report {file}: there is no folder {file.parent}; make it.")
    recorder = Recorder()
    outcome = _run(world, seed, style, recorder)
    facts = {"seed": str(seed), "code": code_of(world.file), "digest": outcome.digest}
    about = world.scenario.about or world.file.name
    try:
        write_page(file, recorder.recording(), title=about, facts=facts, problem=outcome.failure)
    except OSError as error:
        raise disk_error(error) or usage(
            f"--report {file}: {error}; name another file."
        ) from error
    click.echo(f"report {file}", err=True)
    return outcome


def _run(
    world: World, seed: int, style: str, *watchers: Any, shards: int = 1, dask: str = ""
) -> Any:
    from cma_toolkit.sim.scenario.run import run as run_scenario
    from cma_toolkit.sim.world.app_loader import AppError
    from cma_toolkit.sim.world.shards.coordinator import ShardLostError
    from cma_toolkit.sim.world.shards.machines import ClusterError

    with showing(style, "virtual seconds") as show:
        try:
            return run_scenario(
                world.plain,
                world.scenario.must,
                seed,
                lambda done_s, all_s, events: show(done_s, all_s, done_s, events),
                watchers,
                shards=shards,
                dask=dask,
            )
        except (AppError, ClusterError) as error:
            raise usage(str(error)) from error
        except ShardLostError as error:
            raise CmaError(str(error), ExitCode.UNEXPECTED) from error


def _check_sensors(plain: dict[str, Any], result: dict[str, Any]) -> None:
    """Refuse a sensor that no agent asked for: its name is misspelt."""
    for name in plain["sensors"]:
        if name not in result["set_sensors"]:
            asked = [*result["set_sensors"], *result["unset_sensors"]]
            raise usage(
                f"{plain['app']} asks for no sensor {name}: "
                f"it asks for {', '.join(asked) or 'none'}."
            )
