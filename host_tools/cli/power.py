"""`cma power`: what an agent on a board uses, by the model and by a recording."""

import json
import math
from pathlib import Path
from typing import Any

import click

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.cli.app_options import check_app, read_board
from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.cli.power_app import Activity, watch
from cma_toolkit.host_tools.cli.progress import print_table
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.power.model import (
    SUPPLY_V,
    Budget,
    battery_days,
    break_even_s,
    budget,
    check_currents,
)
from cma_toolkit.host_tools.power.parts import Boot
from cma_toolkit.host_tools.power.recording import (
    THRESHOLD_UA,
    Summary,
    bars,
    samples,
    summarise,
)

_PERIOD_MS_MIN = 1000


@click.command(
    epilog=examples(
        "cma power --board esp32-s3-devkitc-1",
        "cma power app.py --period 300 --battery-mah 3000",
        "cma power --boot frozen --listen 100 -o json",
        "cma power --board xiao-esp32c3 --csv ppk2.csv     # compare a recording with the model",
    )
)
@click.argument("app", required=False, type=click.Path(path_type=Path))
@click.option(
    "--board",
    "board_id",
    default="esp32-s3-devkitc-1",
    show_default=True,
    metavar="ID",
    help="Which kind of board.",
)
@click.option(
    "--period",
    "period_s",
    type=Number(1, 86_400),
    default=60.0,
    show_default=True,
    metavar="S",
    help="From one window of the cluster to the next: wake_period_ms.",
)
@click.option(
    "--listen",
    "listen_ms",
    type=click.IntRange(0, 10_000),
    default=0,
    metavar="MS",
    help="The setting listen_ms.  [default: as short as the clocks allow]",
)
@click.option(
    "--boot",
    "kind",
    type=click.Choice(["stock", "frozen"]),
    default="stock",
    show_default=True,
    help="MicroPython with a root filesystem, or the agent frozen into it.",
)
@click.option(
    "--report",
    "report_bytes",
    type=click.IntRange(14, 250),
    default=100,
    show_default=True,
    metavar="BYTES",
    help="What each wake sends.",
)
@click.option(
    "--start-ms",
    type=Number(0, 60_000),
    default=0.0,
    metavar="MS",
    help="What kernel and application take to start on your board: nobody has measured it yet.",
)
@click.option(
    "--battery-mah",
    type=Number(min=0, min_open=True),
    metavar="MAH",
    help="Say how long this battery lasts.",
)
@click.option(
    "--csv",
    "recording",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare a profiler's recording, as Timestamp(ms),Current(uA) of a PPK2.",
)
@click.option(
    "--awake-ma",
    type=Number(min=0, min_open=True),
    default=THRESHOLD_UA / 1000,
    show_default=True,
    metavar="MA",
    help="With --csv: above this current the board is awake.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object.",
)
def command(
    *,
    app: Path | None,
    board_id: str,
    period_s: float,
    listen_ms: int,
    kind: Boot,
    report_bytes: int,
    start_ms: float,
    battery_mah: float | None,
    recording: Path | None,
    awake_ma: float,
    output: str,
) -> None:
    """Say what an agent uses: per state, per handler of APP, and how long a battery lasts.

    Every figure is predicted from the currents of the board's file and from wakes that others
    recorded.
    """
    if app:
        check_app(app, "cma power")
    board = read_board(board_id)
    check_currents(board)
    summary = _read(recording, awake_ma * 1000) if recording else None
    if summary and summary.period_ms >= _PERIOD_MS_MIN:
        period_s = summary.period_ms / 1000
    period_ms = round(period_s * 1000)
    deep, light = (
        budget(
            board,
            kind,
            period_ms,
            listen_ms=listen_ms,
            report_bytes=report_bytes,
            start_ms=0 if is_light else start_ms,
            is_light=is_light,
        )
        for is_light in (False, True)
    )
    activity = watch(app, board, period_ms, listen_ms, report_bytes) if app else None
    if output == "json":
        fields = _fields(board, deep, light, battery_mah)
        fields |= _activity_fields(activity, battery_mah) if activity else {}
        fields |= {"recording": _comparison(summary, deep, light)} if summary else {}
        click.echo(json.dumps(fields))
        return
    _print_budget(board, deep, light, kind, battery_mah)
    if activity:
        _print_handlers(activity, battery_mah)
    if summary:
        _print_comparison(summary, deep, light)


def _read(recording: Path, threshold_ua: float) -> Summary:
    try:
        with recording.open(encoding="utf-8", newline="") as file:
            summary = summarise(samples(file, str(recording)), str(recording), threshold_ua)
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{recording}: cannot be read ({error}); name a CSV file.") from error
    if not summary.wakes:
        raise usage(
            f"{recording}: no whole wake above {threshold_ua / 1000:g} mA: "
            "record a longer time, or lower --awake-ma."
        )
    return summary


def _fields(
    board: Board, deep: Budget, light: Budget, battery_mah: float | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "board": board.id,
        "period_s": deep.period_ms / 1000,
        "wake_uc": round(deep.wake_uc),
        "awake_ms": round(deep.awake_ms, 1),
        "average_mw": round(deep.average_mw, 4),
        "uah_per_day": round(deep.uah_per_day),
        "light_sleep_average_mw": round(light.average_mw, 4),
        "deep_sleep_pays_above_s": round(break_even_s(board), 1),
        "is_measured_on_silicon": False,
        "parts": [
            {
                "name": share.part.name,
                "state": share.part.state,
                "span_ms": round(share.part.span_ms, 2),
                "current_ua": round(share.current_ua),
                "uah_per_day": round(deep.per_day_uah(share), 1),
            }
            for share in deep.shares
        ],
    }
    if battery_mah is not None:
        fields["battery_days"] = round(battery_days(battery_mah, deep.uah_per_day))
    return fields


def _print_budget(
    board: Board, deep: Budget, light: Budget, kind: Boot, battery_mah: float | None
) -> None:
    click.echo(
        f"{board.title}, one report per {deep.period_ms / 1000:g} s, {kind} boot, {SUPPLY_V} V"
    )
    rows = [
        [
            share.part.name,
            share.part.state,
            f"{share.part.span_ms:.1f}",
            f"{share.current_ua / 1000:.3f}",
            f"{share.charge_uc:.0f}",
            f"{deep.per_day_uah(share):.0f}",
        ]
        for share in deep.shares
    ]
    print_table(["part", "state", "ms", "mA", "uC", "uAh/day"], rows)
    click.echo(
        f"average {deep.average_mw:.2f} mW, {deep.uah_per_day:.0f} uAh/day; "
        f"a wake {deep.wake_uc / 1000:.1f} mC in {deep.awake_ms:.0f} ms"
    )
    click.echo(
        f"with light sleep, which keeps its memory: {light.average_mw:.2f} mW; "
        f"the agent sleeps lightly in gaps below {break_even_s(board):.0f} s"
    )
    if battery_mah is not None:
        days = battery_days(battery_mah, deep.uah_per_day)
        click.echo(
            f"{battery_mah:g} mAh last {days:.0f} days without the handlers of an application, "
            "if the battery loses nothing itself"
        )
    spans = "" if deep.is_measured else f" The spans of an ESP32-S3 are taken for {board.chip}."
    click.echo(
        "unmeasured on silicon: import of the kernel and start of the agent are not in it "
        f"(--start-ms); compare a recording with --csv.{spans}"
    )


def _activity_fields(activity: Activity, battery_mah: float | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "handlers": _handler_fields(activity),
        "account_uah_per_day": round(activity.used_uah_per_day),
        "app_errors": activity.errors,
    }
    if battery_mah is not None and activity.used_uah_per_day:
        fields["account_battery_days"] = round(
            battery_days(battery_mah, activity.used_uah_per_day)
        )
    return fields


def _handler_fields(activity: Activity) -> list[dict[str, Any]]:
    return [
        {
            "name": handler.name,
            "what": handler.what,
            "calls_per_day": round(activity.per_day(handler.calls)),
            "frames_per_day": round(activity.per_day(handler.frames)),
            "sending_uah_per_day": round(activity.per_day(handler.send_nah) / 1000, 1),
        }
        for handler in activity.handlers
    ]


def _print_handlers(activity: Activity, battery_mah: float | None) -> None:
    click.echo("")
    rows = [[str(value) for value in fields.values()] for fields in _handler_fields(activity)]
    print_table(["handler", "what", "calls/day", "frames/day", "uAh/day of sending"], rows)
    click.echo(
        f"in an emulated world the kernel's own account is {activity.used_uah_per_day:.0f} "
        "uAh/day, sleep as deep as pays"
    )
    if battery_mah is not None and activity.used_uah_per_day:
        days = battery_days(battery_mah, activity.used_uah_per_day)
        click.echo(f"by that account {battery_mah:g} mAh last {days:.0f} days")
    if activity.errors:
        click.echo(
            f"the application raised {activity.errors} times; run cma sim to see.", err=True
        )


def _comparison(summary: Summary, deep: Budget, light: Budget) -> dict[str, Any]:
    # What the board did between wakes says which of the two sleeps it was.
    sleeps = {budget.shares[-1].part.state: budget for budget in (deep, light)}
    nearest = min(sleeps, key=lambda state: abs(_log(summary.floor_ua) - _floor(sleeps[state])))
    model = sleeps[nearest]
    pairs = {
        "wake_uc": (summary.wake_uc / summary.wakes, model.wake_uc),
        "awake_ms": (summary.wake_ms / summary.wakes, model.awake_ms),
        "sleep_ua": (summary.floor_ua, model.shares[-1].current_ua),
        "average_ua": (summary.average_ua, model.average_ua),
    }
    return {
        "span_s": round(summary.span_ms / 1000, 3),
        "wakes": summary.wakes,
        "period_s": round(summary.period_ms / 1000, 3),
        "sleep": nearest,
        "wake_uc_least": round(summary.least_uc),
        "wake_uc_most": round(summary.most_uc),
        **{
            name: {
                "recorded": round(recorded, 1),
                "model": round(predicted, 1),
                "deviation_percent": round((recorded / predicted - 1) * 100, 1),
            }
            for name, (recorded, predicted) in pairs.items()
        },
    }


def _log(current_ua: float) -> float:
    return math.log10(max(current_ua, 0.1))


def _floor(model: Budget) -> float:
    return _log(model.shares[-1].current_ua)


def _print_comparison(summary: Summary, deep: Budget, light: Budget) -> None:
    found = _comparison(summary, deep, light)
    click.echo("")
    click.echo(
        f"recorded: {found['wakes']} whole wakes in {found['span_s']:g} s, "
        f"{found['sleep'].replace('_', ' ')} between them"
    )
    rows = [
        [
            heading,
            f"{found[name]['recorded']:.1f}",
            f"{found[name]['model']:.1f}",
            f"{found[name]['deviation_percent']:+.1f} %",
        ]
        for heading, name in (
            ("a wake, uC", "wake_uc"),
            ("a wake, ms", "awake_ms"),
            ("asleep, uA", "sleep_ua"),
            ("average, uA", "average_ua"),
        )
    ]
    print_table(["", "recorded", "model", "deviation"], rows)
    click.echo(f"wakes from {found['wake_uc_least']} to {found['wake_uc_most']} uC")
    click.echo(f"[{bars(summary.curve)}] each step up: three times the current")
