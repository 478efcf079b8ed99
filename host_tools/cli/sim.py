"""`cma sim`: an application as many agents, in one process and in virtual time."""

import json
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.app_options import (
    check_app,
    read_board,
    read_rows,
    read_sensor,
    read_settings,
)
from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.progress import print_table, progress_style
from cma_toolkit.host_tools.errors import ExitCode, usage

_CROWD = 50  # more agents than this do not all hear each other unless asked to
_CROWD_RANGE_M = 25
_COLUMNS = ("name", "boots", "neighbours", "sent", "received", "lost", "app_errors")
_SLEEP_COLUMNS = ("sleeps", "asleep", "radio")  # the last two as shares of the time
_SLEEP_KEYS = ("asleep_ms", "radio_ms")
_ERRORS_SHOWN = 3


def _battery(text: str) -> Any:
    given = read_rows(text[1:]) if text.startswith("@") else text
    try:
        if isinstance(given, str):
            return int(given)
        return [(at_s, int(millivolts)) for at_s, millivolts in given]
    except ValueError:
        raise usage(f"--battery {text}: write whole millivolts, or @FILE.csv of them.") from None


@click.command(
    epilog=examples(
        "cma sim app.py --agents 8",
        "cma sim app.py --agents 3 --minutes 60 --seed 7 --loss 5 --sensor soil=@soil.csv",
        "cma sim app.py --minutes 60 --set wake_period_ms=60000 --board esp32-s3-devkitc-1",
        "cma sim app.py --agents 1000 --minutes 5 -o json",
    )
)
@click.argument("app", type=click.Path(path_type=Path))
@click.option(
    "--agents", type=click.IntRange(1, 10_000), default=8, show_default=True, help="How many."
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1, max=44_000),
    default=10.0,
    show_default=True,
    help="Virtual time.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same run."
)
@click.option(
    "--loss",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Percentage of frames that the air loses.",
)
@click.option(
    "--range",
    "range_m",
    type=click.IntRange(0),
    default=None,
    metavar="M",
    help="Reach of the radio in metres, 0: all hear all.  [default: 0; 25 for a crowd]",
)
@click.option(
    "--sensor",
    "sensors",
    multiple=True,
    metavar="NAME=VALUE",
    help="A sensor's value, or @FILE.csv of seconds,value. May be given several times.",
)
@click.option(
    "--battery",
    default="4000",
    show_default=True,
    metavar="MV",
    help="Millivolts of every battery, or @FILE.csv of seconds,value.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, over those of the fleet.toml beside APP. May be given several times.",
)
@click.option(
    "--board",
    "board_id",
    default="",
    metavar="ID",
    help="Whose currents to count energy with.  [default: none is counted]",
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
def command(  # noqa: PLR0917 - click passes options by name
    app: Path,
    agents: int,
    minutes: float,
    seed: int,
    loss: int,
    range_m: int | None,
    sensors: tuple[str, ...],
    battery: str,
    settings: tuple[str, ...],
    board_id: str,
    cluster: str,
    output: str,
    quiet: bool,
) -> None:
    """Run APP as many agents in one process, in virtual time.

    The last line is the digest of everything that happened: same seed, same digest.
    """
    check_app(app, "cma sim")
    spec: dict[str, Any] = {
        "app": str(app),
        "agents": agents,
        "seconds": round(minutes * 60),
        "seed": seed,
        "loss_permille": loss * 10,
        "range_m": (_CROWD_RANGE_M if agents > _CROWD else 0) if range_m is None else range_m,
        "sensors": dict(read_sensor(text) for text in sensors),
        "battery": _battery(battery),
        "currents": read_board(board_id).current_ua if board_id else {},
        "settings": read_settings(app, cluster, settings),
        "power_cuts": [],
    }
    style = progress_style("json" if output == "json" else "table", quiet)
    result = _run(spec, show_bar=style == "bar")
    _check_sensors(spec["sensors"], result, app)
    _print(result, spec["seconds"], output, board_id)
    if result["error_count"]:
        raise SystemExit(int(ExitCode.SOME_FAILED))


def _check_sensors(given: dict[str, Any], result: dict[str, Any], app: Path) -> None:
    """Refuse a sensor that no agent asked for: its name is misspelt."""
    for name in given:
        if name not in result["set_sensors"]:
            asked = [*result["set_sensors"], *result["unset_sensors"]]
            raise usage(
                f"{app} asks for no sensor {name}: it asks for {', '.join(asked) or 'none'}."
            )


def _run(spec: dict[str, Any], *, show_bar: bool) -> dict[str, Any]:
    from cma_toolkit.sim.world import driver
    from cma_toolkit.sim.world.app_loader import AppError

    try:
        if not show_bar:
            return driver.run(spec, keep=False)
        return _run_with_bar(spec)
    except AppError as error:
        raise usage(str(error)) from error


def _run_with_bar(spec: dict[str, Any]) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from cma_toolkit.sim.world import driver

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("virtual seconds", total=spec["seconds"])

        def on_progress(done_s: int, _all_s: int, _events: int) -> None:
            bars.update(task, completed=done_s)

        return driver.run(spec, keep=False, on_progress=on_progress)


def _print(result: dict[str, Any], seconds: int, output: str, board_id: str) -> None:
    if output == "json":
        shown = {
            key: result[key]
            for key in ("digest", "published", "error_count", "errors", "unset_sensors", "sleep")
        }
        click.echo(json.dumps({**shown, "agents": result["statuses"]}))
        return
    rows = [[str(status.get(key, "")) for key in _COLUMNS] for status in result["statuses"]]
    columns = [column.replace("_", " ") for column in _COLUMNS]
    if any(slept["sleeps"] for slept in result["sleep"]):
        columns += _SLEEP_COLUMNS
        for row, slept in zip(rows, result["sleep"], strict=True):
            row += [str(slept["sleeps"]), *(_share(slept[key], seconds) for key in _SLEEP_KEYS)]
    if any(status.get("used_uah") for status in result["statuses"]):
        columns.append("used")
        for row, status in zip(rows, result["statuses"], strict=True):
            row.append(f"{status.get('used_uah', 0)} uAh")
    print_table(columns, rows)
    if _SLEEP_COLUMNS[0] in columns and not board_id:
        click.echo(
            "no --board: whoever sleeps sleeps deep and boots again; with --board ID they sleep "
            "lightly where that pays"
        )
    click.echo(f"{result['published']} messages published")
    for name in result["unset_sensors"]:
        click.echo(f"sensor {name}: a wave of 0 to 1000; set it with --sensor {name}=VALUE")
    _print_errors(result["errors"], result["error_count"])
    click.echo(f"digest {result['digest']}")


def _share(span_ms: int, seconds: int) -> str:
    return f"{span_ms / (seconds * 10):.1f} %"


def _print_errors(errors: list[list[Any]], count: int) -> None:
    if not count:
        return
    seen: dict[str, list[Any]] = {}
    for error in errors:
        seen.setdefault(error[3], error)
    for at_ms, agent, where, text in list(seen.values())[:_ERRORS_SHOWN]:
        click.echo(f"{agent} at {at_ms / 1000:.3f} s, in {where}:\n{text}", err=True)
    click.echo(f"the application raised {count} times; correct it.", err=True)
