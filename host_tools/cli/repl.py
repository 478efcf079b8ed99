"""`cma repl`: mpremote's prompt, on any port that `cma` knows."""

import sys
from typing import Any

import click

from cma_toolkit.host_tools.cli.common import BoardOptions, board_options, chosen_port, examples
from cma_toolkit.host_tools.cli.meant import ask_who_it_is, to_ask
from cma_toolkit.host_tools.errors import no_device, usage
from cma_toolkit.host_tools.ports.session import BoardSession, open_patiently

POLL_S = 0.02


@click.command(epilog=examples("cma repl", "cma repl --port u0", "cma repl -d greenhouse-07"))
@board_options()
def command(options: BoardOptions) -> int:
    """Open the MicroPython prompt of a board; Ctrl-] or Ctrl-X leaves it.

    The running program is not touched: Ctrl-C interrupts it, Ctrl-D starts it again. Only with
    --device a board behind a USB bridge is asked first who it is, which starts its program anew.
    """
    if options.output == "json":
        raise usage("A prompt is for a person: leave out --output json.")
    if not sys.stdin.isatty():
        raise usage("cma repl needs a terminal; in a script use: mpremote connect PORT exec CODE")
    port = chosen_port(options)
    if named := to_ask(options, port):
        with BoardSession(port.url, wait_s=options.wait_s, connect_s=options.timeout_s) as board:
            ask_who_it_is(board, named)
    _run(port.url, options.wait_s)
    return 0


def _run(url: str, wait_s: float) -> None:
    from mpremote import repl
    from mpremote.main import State

    repl.Console = _console_class(repl.Console)
    state = State()
    state.transport = open_patiently(url, wait_s)
    try:
        if repl.do_repl(state, _ReplArguments()):
            raise no_device(f"{url}: the board went away. Plug it in, then run this again.")
    finally:
        state.transport.close()


def _console_class(console: Any) -> Any:
    if sys.platform == "win32":
        return console

    class AnyPortConsole(console):  # type: ignore[misc]
        """mpremote's console, for ports without a file descriptor too (RFC 2217)."""

        def waitchar(self, port: Any) -> None:
            """Wait for a key or for output of the board."""
            import select

            while not port.inWaiting() and not select.select([self.infd], [], [], POLL_S)[0]:
                pass

    return AnyPortConsole


class _ReplArguments:
    """What mpremote's `repl` takes from its command line."""

    escape_non_printable = False
    capture = None
    inject_code = None
    inject_file = None
