"""Which of the ports a command means. Pure: the ports and the environment come as arguments.

Ambiguity stops: several boards and no selector is a list and exit code 3, never the first one.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cma_toolkit.host_tools.errors import no_device, usage
from cma_toolkit.host_tools.ports.discover import Port

ENVIRONMENT = ("CMA_PORT", "ESPTOOL_PORT")
SHORTCUTS = {"a": "/dev/ttyACM", "u": "/dev/ttyUSB", "c": "COM"}
_SHORTCUT = re.compile(r"([auc])(\d+)")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class KnownBoard:
    """What the fleet remembers of a board: its MAC, and the port where it last answered."""

    mac: str
    port: str


# A name, `id:MAC` or `label=x` → the fleet's boards that bear it.
FindBoards = Callable[[str], Sequence[KnownBoard]]


@dataclass(frozen=True)
class Selector:
    """What a person said about which boards they mean."""

    ports: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    all: bool = False


def select(
    selector: Selector,
    ports: Sequence[Port],
    environment: Mapping[str, str],
    find_boards: FindBoards,
    *,
    several: bool = False,
) -> list[Port]:
    """Return the ports that are meant, each once, in the order they were named.

    Raises: CmaError 3 if none or, unless `several`, more than one is meant; 2 for `--all` beside
    other selectors and for an empty word.
    """
    if not all((*selector.ports, *selector.devices)):
        raise usage(
            "An empty --port or --device names no board: is a variable of your script unset?"
        )
    if selector.all and (selector.ports or selector.devices):
        raise usage("--all means every board: leave out --port and --device.")
    if selector.all and not several:
        raise usage("This command is for one board: name it with --port or --device.")
    chosen = _named(selector, ports, environment, find_boards)
    unique = list(dict.fromkeys(chosen))
    if len(unique) > 1 and not several:
        raise no_device(f"{_listing(unique)}\n{len(unique)} boards: choose one with --port.")
    return unique


def _named(
    selector: Selector,
    ports: Sequence[Port],
    environment: Mapping[str, str],
    find_boards: FindBoards,
) -> list[Port]:
    words = selector.ports
    if not (words or selector.devices or selector.all):
        words = tuple(environment[name] for name in ENVIRONMENT if environment.get(name))[:1]
    if words or selector.devices:
        by_port = [port for word in words for port in _by_port(word, ports)]
        return by_port + [
            port for who in selector.devices for port in _by_who(who, ports, find_boards)
        ]
    if not ports:
        raise no_device(
            "No board found. Plug one in with a data cable, or create a virtual one: "
            "cma virtual create one --board esp32-devkitc"
        )
    if len(ports) > 1 and not selector.all:
        raise no_device(
            f"{_listing(ports)}\n{len(ports)} boards and no selector: "
            "choose with --port or --device, or take all with --all."
        )
    return list(ports)


def _by_port(word: str, ports: Sequence[Port]) -> list[Port]:
    shortcut = _SHORTCUT.fullmatch(word)
    path = SHORTCUTS[shortcut[1]] + shortcut[2] if shortcut else word
    known = [port for port in ports if path in (port.url, *port.aliases)]
    if known:
        return known
    if "://" in path:
        return [Port(url=path)]
    if not _GLOB.search(path):
        return [Port(url=path)]  # comports() does not know every port; opening it tells
    found = [port for port in ports if _matches(port, path)]
    if not found:
        raise no_device(f"{_listing(ports)}\nNo port matches {path}: run cma devices.")
    return found


def _matches(port: Port, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for text in (port.url, *port.aliases))


def _by_who(who: str, ports: Sequence[Port], find_boards: FindBoards) -> list[Port]:
    known = find_boards(who)
    macs = {board.mac.lower() for board in known} | {who.removeprefix("id:").lower()}
    found = [port for port in ports if port.name == who or (port.mac and port.mac.lower() in macs)]
    if not found:
        # A USB bridge does not tell the board's MAC: go where the board last answered.
        seen = {board.port for board in known}
        found = [port for port in ports if port.url in seen and not port.mac]
    if not found:
        raise no_device(
            f"{_listing(ports)}\nNo board {who!r} is plugged in: run cma devices, or name a port."
        )
    return found


def _listing(ports: Sequence[Port]) -> str:
    if not ports:
        return "No ports."
    rows = ("  ".join(filter(None, (port.url, port.chip, port.description))) for port in ports)
    return "\n".join(rows)
