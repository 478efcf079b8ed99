"""`cma sim swarm`: one world, many seeds, in several processes."""

import json
import os
import time
from typing import Any

import click

from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.progress import progress_style
from cma_toolkit.host_tools.cli.sim_compiled import compiled_option, start_over
from cma_toolkit.host_tools.cli.sim_options import World, read_world, warn_of_chance, world_options
from cma_toolkit.host_tools.cli.sim_progress import rates, showing
from cma_toolkit.host_tools.errors import CmaError, ExitCode, usage

_SEEDS = 100
_LINES_MAX = 20  # of failures; the rest is counted, and all are in the JSON


@click.command(
    short_help="Run a scenario or an application with one seed after another.",
    epilog=examples(
        "cma sim swarm greenhouse.toml --seeds 1000 --jobs 2",
        "cma sim swarm app.py --agents 20 --loss 10",
        "cma sim swarm greenhouse.toml --seed 1001 --seeds 1000     the next thousand",
    ),
)
@world_options
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=_SEEDS,
    show_default=True,
    metavar="N",
    help="How many runs.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="N",
    help="That of the first run.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="In how many processes.  [default: one per core]",
)
@click.option("--first", is_flag=True, help="Stop at the first failure.")
@compiled_option
def swarm(  # noqa: PLR0917 - click passes options by name
    output: str,
    quiet: bool,
    seeds: int,
    seed: int,
    jobs: int | None,
    first: bool,
    is_compiled: bool,
    **given: Any,
) -> None:
    """Run FILE, an application or a scenario, with one seed after another.

    Each failure is one line: its seed, the commit, and the command that replays it. The last line
    is the digest of all runs, the same however many processes there are.
    """
    world = read_world(given)
    if is_compiled:
        start_over()
    warn_of_chance(world)
    style = progress_style("json" if output == "json" else "table", quiet)
    started_at_s = time.monotonic()
    tally = _run_all(world, range(seed, seed + seeds), jobs or os.cpu_count() or 1, style, first)
    digest = tally.digest()
    if output == "json":
        click.echo(json.dumps(_summary(tally, digest, world)))
    else:
        told = rates(tally.seconds, tally.events, time.monotonic() - started_at_s)
        seeds_run = "1 seed" if tally.runs == 1 else f"{tally.runs} seeds"
        click.echo(f"{seeds_run}, {len(tally.failed)} failed: {told}")
        if tally.faults:
            often = sorted(tally.faults.items(), key=lambda item: (-item[1], item[0]))
            click.echo("faults by runs: " + ", ".join(f"{name} {runs}" for name, runs in often))
        if tally.attended:
            click.echo(f"runs in which agents were power-cycled by hand: {tally.attended}")
        click.echo(f"digest {digest}")
    if tally.failed:
        raise SystemExit(int(ExitCode.SOME_FAILED))


def _run_all(world: World, seeds: range, jobs: int, style: str, first: bool) -> Any:
    from cma_toolkit.sim.scenario.replay import failure_line
    from cma_toolkit.sim.scenario.swarm import SwarmError, Tally
    from cma_toolkit.sim.scenario.swarm import swarm as run_swarm
    from cma_toolkit.sim.world.app_loader import AppError

    tally = Tally()
    try:
        with showing(style, "seeds") as show:
            for outcome in run_swarm(world.plain, world.scenario.must, seeds, jobs):
                tally.add(outcome)
                show(tally.runs, len(seeds), tally.seconds, tally.events)
                if outcome.failure and len(tally.failed) <= _LINES_MAX:
                    click.echo(failure_line(outcome, world.file, world.words), err=True)
                if outcome.failure and first:
                    break
    except AppError as error:
        raise usage(str(error)) from error
    except SwarmError as error:
        raise CmaError(str(error), ExitCode.UNEXPECTED) from error
    return tally


def _summary(tally: Any, digest: str, world: World) -> dict[str, Any]:
    from cma_toolkit.sim.scenario.replay import failure_line

    return {
        "runs": tally.runs,
        "failed": [
            {
                "seed": outcome.seed,
                "failure": outcome.failure,
                "line": failure_line(outcome, world.file, world.words),
            }
            for outcome in tally.failed
        ],
        "virtual_seconds": tally.seconds,
        "events": tally.events,
        "faults": tally.faults,
        "attended": tally.attended,
        "digest": digest,
    }
