"""What a person may say of a medium: plain data, held against what makes sense.

Raises   ValueError with one sentence that says what to write instead
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Plain = dict[str, Any]

COUNT_MAX = 100_000
LENGTH_M_MIN, LENGTH_M_MAX = 0.1, 100_000
_PERMILLE_MAX = 1_000
_DB_MAX = 100
_DELAY_MS_MAX = 60_000
_BAUD_MIN, _BAUD_MAX = 300, 5_000_000

_RADIO = ("range_m", "loss_permille", "edge_loss_permille", "udp", "wires")
_UDP = ("agents", "latency_ms", "jitter_ms", "loss_permille")
_WIRES = ("pairs", "baud", "loss_permille")


def _called(number: int) -> str:
    return f"agent {number}"


def check_radio(plain: "Plain", agents: int, name_of: "Callable[[int], str]" = _called) -> None:
    """Look whether a description of the media makes sense for so many agents.

    `name_of` says what a person calls the agent of a number.
    """
    check_keys("radio", plain, _RADIO)
    check_whole("radio", plain, "range_m", 0, LENGTH_M_MAX)
    check_whole("radio", plain, "loss_permille", 0, _PERMILLE_MAX)
    check_whole("radio", plain, "edge_loss_permille", 0, _PERMILLE_MAX)
    if "udp" in plain:
        _check_udp(plain["udp"], agents)
    if "wires" in plain:
        _check_wires(plain["wires"], agents, name_of)


def _check_udp(plain: "Plain", agents: int) -> None:
    check_keys("udp", plain, _UDP)
    check_whole("udp", plain, "latency_ms", 1, _DELAY_MS_MAX)
    check_whole("udp", plain, "jitter_ms", 0, _DELAY_MS_MAX)
    check_whole("udp", plain, "loss_permille", 0, _PERMILLE_MAX)
    members = plain.get("agents", [])
    if not isinstance(members, (list, tuple)):
        raise ValueError("udp: agents is a list of agents; leave it out for all.")
    for agent in members:
        _check_agent("udp", agent, agents)


def _check_wires(plain: "Plain", agents: int, name_of: "Callable[[int], str]") -> None:
    check_keys("wires", plain, _WIRES)
    check_whole("wires", plain, "baud", _BAUD_MIN, _BAUD_MAX)
    check_whole("wires", plain, "loss_permille", 0, _PERMILLE_MAX)
    pairs = plain.get("pairs")
    if not isinstance(pairs, (list, tuple)) or not pairs:
        raise ValueError("wires: give pairs of agent numbers, as [[0, 1], [2, 3]].")
    wired: list[int] = []
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError(f"wires: {pair!r} is no pair of agent numbers, as [0, 1].")
        for agent in pair:
            _check_agent("wires", agent, agents)
        one, other = pair
        if one == other:
            raise ValueError(f"wires: a wire from {name_of(one)} to itself; name two agents.")
        for agent in pair:
            if agent in wired:
                raise ValueError(
                    f"wires: {name_of(agent)} is on two; a board has one UART: leave one out."
                )
            wired.append(agent)


def _check_agent(what: str, agent: object, agents: int) -> None:
    if isinstance(agent, bool) or not isinstance(agent, int) or not 0 <= agent < agents:
        raise ValueError(f"{what}: {agent!r} is no agent; they are numbered 0 to {agents - 1}.")


def check_keys(what: str, plain: "Plain", keys: "tuple[str, ...]") -> None:
    """Refuse what is no table, and a key that nobody reads."""
    if not isinstance(plain, dict):
        raise ValueError(f"{what}: write a table with some of {', '.join(keys)}.")
    for key in sorted(plain):
        if key not in keys:
            raise ValueError(f"{what}: no key {key}; it has {', '.join(keys)}.")


def check_whole(what: str, plain: "Plain", key: str, least: int, most: int) -> None:
    """Refuse a value, if it is given, that is no whole number within bounds."""
    value = plain.get(key, least)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{what}: {key} is a whole number from {least} to {most}, not {value!r}.")


def check_length(what: str, plain: "Plain", key: str) -> None:
    """Refuse a value, if it is given, that is no length in metres."""
    value = plain.get(key, LENGTH_M_MIN)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not LENGTH_M_MIN <= value <= LENGTH_M_MAX:
        raise ValueError(
            f"{what}: {key} is a number from {LENGTH_M_MIN} to {LENGTH_M_MAX}, not {value!r}."
        )


def check_decibels(what: str, plain: "Plain", key: str) -> None:
    """Refuse a value, if it is given, that weakens nothing or more than all."""
    check_whole(what, plain, key, 0, _DB_MAX)
