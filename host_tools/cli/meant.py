"""Is the board that answers the one that was named?

A USB bridge does not tell who is behind it, so `--device` goes where the board last answered.
Boards may have changed places since: who is there now is asked before anything is done to it.
"""

from collections.abc import Sequence

from cma_toolkit.host_tools.cli.common import BoardOptions, fleet_finder
from cma_toolkit.host_tools.errors import no_device
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.facts import Facts, facts_of
from cma_toolkit.host_tools.ports.session import BoardSession


def to_ask(options: BoardOptions, port: Port) -> list[str]:
    """Return those named of whom only an earlier run says that they are at this port."""
    find = fleet_finder()
    return [
        who
        for who in options.selector.devices
        if not port.mac and port.name != who and any(known.port == port.url for known in find(who))
    ]


def check_it_is(named: Sequence[str], url: str, facts: Facts) -> None:
    """Refuse the board at `url` unless it is one of those named; no names fit every board.

    Raises: CmaError 3 that says who it is.
    """
    if named and not any(_is(who, facts) for who in named):
        raise no_device(
            f"{url} is {facts.name or facts.mac} now, not {' or '.join(named)}: "
            "run cma devices, then this again."
        )


def ask_who_it_is(board: BoardSession, named: Sequence[str]) -> None:
    """Ask the board of a session, if anyone was named.

    Raises: CmaError 3 if it is none of them.
    """
    if named:
        check_it_is(named, board.url, facts_of(board.run_script("probe")))


def _is(who: str, facts: Facts) -> bool:
    macs = {known.mac.lower() for known in fleet_finder()(who)} | {who.lower().removeprefix("id:")}
    return facts.name.lower() == who.lower() or facts.mac.lower() in macs
