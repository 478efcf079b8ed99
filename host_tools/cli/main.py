"""`cma`: one file per command in this folder, imported when its command runs."""

import importlib
import os
import sys
import traceback

import click

from cma_toolkit.host_tools.cli.mistyped import sentence
from cma_toolkit.host_tools.cli.refusals import REFUSALS, as_cma_error
from cma_toolkit.host_tools.cli.sim_order import RUN_WORLDS, fix_order
from cma_toolkit.host_tools.errors import ExitCode, disk_error

# In the order of a first day. The help lines stand here so that `cma --help` imports nothing.
COMMANDS = {
    "doctor": "Check this computer and its serial ports; say how to mend each thing found.",
    "new": "Start a project of your own.",
    "build": "Make one image of the kernel and your application, the same bytes every time.",
    "release": "Sign what you built, so that boards take it from nobody else.",
    "rollout": "Bring a published release to your boards, few at first.",
    "devices": "List the boards that are plugged in, real and virtual.",
    "flash": "Put MicroPython and the agent kernel on one board or on all of them.",
    "adopt": "Take over a board that already runs something, keeping its files.",
    "restore": "Write a full-flash backup back to a board.",
    "provision": "Give boards their name, cluster, Wi-Fi and settings from your inventory.",
    "attest": "Have boards prove what runs on them, and say what differs.",
    "authority": "Keep the key that certifies the boards of your fleet.",
    "enrolment": "Show which boards are believed, and revoke those that are lost.",
    "harden": "Explain what eFuses would protect on a board, and what they cost.",
    "identify": "Blink the LED of one board.",
    "run": "Run app.py on a board without flashing; with --watch at every save.",
    "monitor": "Show what a board prints.",
    "repl": "Open the MicroPython prompt of a board.",
    "replay": "Repeat a board's last crash on this computer, under a debugger.",
    "power": "Say what an agent uses, and compare a recording of it with the model.",
    "energy": "Say what a change of your application costs the battery.",
    "sim": "Run app.py as many agents in one process, in virtual time.",
    "agent": "Run app.py as an agent on this computer, beside boards.",
    "virtual": "Create, start, stop and torment virtual boards.",
    "micropython": "Fetch, add and list MicroPython releases.",
    "demo": "Show it all on virtual boards: flash, talk, sleep, lose power, recover.",
}


class LazyGroup(click.Group):
    """Import a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import `host_tools/cli/<name>.py` and return its `command`."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__package__}.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cma-toolkit", prog_name="cma")
def command() -> None:
    """Flash, provision, emulate and run fleets of small agents on MicroPython boards."""


def main(arguments: list[str] | None = None) -> None:
    """Run `cma` and leave with a documented exit code."""
    if arguments is None and next(filter(str.isalpha, sys.argv[1:]), "") in RUN_WORLDS:
        fix_order()  # the process is ours to replace
    try:
        code = command.main(arguments, prog_name="cma", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = ExitCode.USAGE
    except click.ClickException as error:
        click.echo(f"cma: {sentence(error)}", err=True)
        code = ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):  # click turns a Ctrl-C into its Abort
        click.echo("cma: interrupted; nothing unfinished is recorded as done.", err=True)
        code = ExitCode.INTERRUPTED
    except REFUSALS as error:
        refusal = as_cma_error(error)
        click.echo(f"cma: {refusal.message}", err=True)
        code = refusal.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is reported as one
        code = _report_crash(error)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _report_crash(error: Exception) -> ExitCode:
    full = disk_error(error) if isinstance(error, OSError) else None
    if full:
        click.echo(f"cma: {full.message}", err=True)
        return full.code
    traceback.print_exception(error)
    click.echo(f"cma: this is a bug in cma ({type(error).__name__}); please report it.", err=True)
    return ExitCode.UNEXPECTED


if __name__ == "__main__":
    main()
