"""`cma replay`: repeat a board's last crash on this computer, under a debugger if wanted."""

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.adopt import at_port
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_port,
    examples,
)
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import ExitCode, disk_error, refused, usage
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.sim.replay import case as cases
from cma_toolkit.sim.replay.player import Ending, last_frame
from cma_toolkit.sim.replay.recording import NAMES, DamagedError, Recording
from cma_toolkit.sim.replay.verdict import judge

_LIMIT_S = 5.0
_SHOWN = 8  # inputs before the end
_FEATURE = "last_crash"


@click.command(
    epilog=examples(
        "cma replay /dev/ttyUSB0 --last-crash",
        "cma replay greenhouse-07 --last-crash --pdb",
        "cma replay virtual://desk --last-crash --save crash.json",
        "cma replay crash.json --app app.py --pdb",
    )
)
@click.argument("board", metavar="BOARD|FILE")
@click.option("--last-crash", "is_last", is_flag=True, help="Fetch the board's last crash.")
@click.option(
    "--app",
    type=click.Path(path_type=Path),
    default=Path("app.py"),
    show_default=True,
    metavar="FILE",
    help="The application that ran there.",
)
@click.option("--pdb", "with_debugger", is_flag=True, help="Stop in a debugger where it crashes.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the crash: whoever gets this file can replay it.",
)
@click.option(
    "--limit",
    "limit_s",
    type=Number(min=0.1),
    default=_LIMIT_S,
    show_default=True,
    metavar="S",
    help="Seconds after which an input hangs.",
)
@board_options(timeout_s=60.0)
def command(
    options: BoardOptions,
    *,
    board: str,
    is_last: bool,
    app: Path,
    with_debugger: bool,
    save: Path | None,
    limit_s: float,
) -> int:
    """Repeat a crash of a board in the field on this computer.

    A board notes what its agent is told, and keeps that over a crash. Here the same agent is told
    the same again, with your application, its settings and its state of then.
    """
    if Path(board).is_file() == is_last:
        raise usage(
            f"{board} is a file: leave out --last-crash."
            if is_last
            else f"There is no file {board}; to ask a board of that name, add --last-crash."
        )
    try:
        source = app.read_bytes()
    except OSError as error:
        raise usage(f"{app}: {error.strerror}; name your application with --app.") from error
    try:
        case = cases.case_of(_fetch(options, board)) if is_last else cases.load(Path(board))
    except DamagedError as error:
        raise refused(f"{board}: {error}; fetch the crash again.") from error
    except OSError as error:
        raise usage(f"{board}: {error.strerror}; name a file that you may read.") from error
    if save:
        _save(case, save)
    kept = case.recording
    if kept.inputs is None:
        raise refused(
            _printable(
                f"{case.name} crashed before its agent was told anything, so there is nothing "
                f"to replay; its traceback says where:\n{kept.traceback.rstrip()}"
            )
        )
    ending, is_exact = case.play(app.resolve(), limit_s)
    verdict = judge(kept, ending, str(app.resolve()))
    notes = _notes(kept, ending, is_exact, case.is_app(source), app)
    if options.output == "json":
        click.echo(json.dumps(_as_json(case, ending, verdict.is_same, verdict.text, notes)))
    else:
        _show(case, ending, verdict.text, notes)
    if with_debugger and ending.error and last_frame(ending.error):
        import pdb

        pdb.post_mortem(ending.error.__traceback__)
    if verdict.is_same:
        return ExitCode.OK
    return ExitCode.VERIFY_FAILED


def _fetch(options: BoardOptions, board: str) -> dict[str, Any]:
    port = chosen_port(at_port(options, board))
    with BoardSession(port.url, wait_s=options.wait_s, connect_s=options.timeout_s) as session:
        reply = session.run_script(_FEATURE, timeout_s=options.timeout_s)
        if reply is None:
            raise refused(f"{port.label} does not run our firmware; run: cma flash")
        if not reply["crash"]:
            raise refused(f"{port.label} has kept no crash; there is nothing to replay.")
        flash: dict[int, str] = {}
        is_quiet = options.quiet or options.output == "json"
        with click.progressbar(
            reply.pop("used"), label="Reading its state", hidden=is_quiet, file=sys.stderr
        ) as sectors:
            for sector in sectors:
                flash[sector] = session.run_script(_FEATURE, sector=sector)
    return cases.plain_of(reply, flash)


def _save(case: cases.Case, path: Path) -> None:
    try:
        path.write_text(json.dumps(case.plain, indent=1) + "\n")
    except OSError as error:
        raise disk_error(error) or usage(
            f"{path}: {error.strerror}; name another file with --save."
        ) from error


def _notes(kept: Recording, ending: Ending, is_exact: bool, is_app: bool, app: Path) -> list[str]:
    notes = []
    if kept.lost_bytes:
        notes.append(
            f"ring overflowed: the first {kept.lost_bytes} bytes of inputs are gone, so a new "
            "agent is told the last ones"
        )
    if not is_exact:
        notes.append("what it had stored then is written over in part: its state may differ")
    if kept.has_holes:
        notes.append("a sensor's value could not be noted: it is too large, or has no CBOR form")
    if ending.has_tasks:
        notes.append("the application's tasks of asyncio are left out: only its handlers run")
    if not is_app:
        notes.append(f"{app} is not the file that crashed: it differs from the board's")
    return notes


def _printable(text: str) -> str:
    """Return a text of a board or a file with nothing in it that a terminal would obey."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text
    )


def _show(case: cases.Case, ending: Ending, text: str, notes: list[str]) -> None:
    kept = case.recording
    inputs = kept.inputs or ()
    name = _printable(case.name)
    click.echo(f"{name}: {len(inputs)} inputs noted, {ending.inputs} replayed")
    first = max(0, ending.inputs - _SHOWN)
    for index in range(first, ending.inputs):
        told = inputs[index]
        details = f" {told.data.hex()}" if told.data else f" {told.number}" if told.number else ""
        click.echo(f"  {index + 1:5} {told.at_ms:10} ms  {NAMES[told.kind]}{details}")
    for note in notes:
        click.echo(f"  note: {note}")
    if ending.error:
        lines = traceback.format_exception(ending.error)
        click.echo(_printable("".join(lines).rstrip()))
    click.echo(_printable(text))


def _as_json(
    case: cases.Case, ending: Ending, is_same: bool, text: str, notes: list[str]
) -> dict[str, Any]:
    return {
        "name": case.name,
        "reproduced": is_same,
        "overflowed": case.recording.lost_bytes > 0,
        "ending": ending.how,
        "text": text,
        "notes": notes,
        "inputs": len(case.recording.inputs or ()),
        "replayed": ending.inputs,
    }
