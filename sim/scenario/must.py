"""Whether what a scenario demands holds at the end of a run."""

import binascii
import itertools
from typing import Any

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.sim.scenario.records import Must

Result = dict[str, Any]  # of `sim.world.driver.run`


def broken(must: Must, result: Result) -> str:
    """Return the first demand that does not hold, of which agent, as a sentence; "" if all do."""
    for check in _CHECKS:
        problem = check(must, result)
        if problem:
            return problem
    return ""


def _errors(must: Must, result: Result) -> str:
    if not must.no_errors or not result["error_count"]:
        return ""
    at_ms, agent, where, traceback = result["errors"][0]
    more = result["error_count"] - 1
    return f"{agent} raised {_error_of(traceback)} in {where} at {at_ms / 1000:.3f} s" + (
        f", and {more} more were raised" if more else ""
    )


def _error_of(traceback: str) -> str:
    """Return the exception of a traceback, with all lines of its text."""
    lines = traceback.strip().splitlines()
    calls = [place for place, line in enumerate(lines) if line.startswith("  File ")]
    rest = lines[calls[-1] + 1 :] if calls else lines
    return "\n".join(itertools.dropwhile(lambda line: line.startswith(" "), rest))


def _agree(must: Must, result: Result) -> str:
    empty = _without_power(result)
    states = [
        (name, _value(text))
        for name, text in zip(result["names"], result["states"], strict=True)
        if name not in empty
    ]
    if must.agree and not states:
        return "no agent has power any more: nothing is agreed"
    for key in must.agree:
        if all(key not in state for _name, state in states):
            return f"no agent has {key}: nothing is agreed"
        first_name, first = states[0][0], states[0][1].get(key)
        for name, state in states[1:]:
            if state.get(key) != first:
                return f"{name} has {key} = {state.get(key)!r}, {first_name} {first!r}: not agreed"
    return ""


def _state(must: Must, result: Result) -> str:
    states = [_value(text) for text in result["states"]]
    for key, least in must.state_at_least.items():
        if all(key not in state for state in states):
            return f"no agent has {key}: it must be at least {least}"
    for name, state in zip(result["names"], states, strict=True):
        for key, least in must.state_at_least.items():
            value = state.get(key)
            if not isinstance(value, int | float) or value < least:
                return f"{name} has {key} = {value!r}: it must be at least {least}"
    return ""


def _without_power(result: Result) -> set[str]:
    """Return the agents whose battery is empty: their status is a name and no more."""
    has_batteries = bool(result.get("supply"))
    return {each["name"] for each in result["statuses"] if has_batteries and len(each) == 1}


def _neighbours(must: Must, result: Result) -> str:
    for status in result["statuses"]:
        known = status.get("neighbours", 0)
        if known < must.neighbours_at_least:
            least = must.neighbours_at_least
            return f"{status['name']} has neighbours = {known}: it must be at least {least}"
    return ""


def _used(must: Must, result: Result) -> str:
    most = must.used_uah_at_most
    if most is None:
        return ""
    for name, used_uah in zip(result["names"], result["used_uah"], strict=True):
        if used_uah > most:
            return f"{name} used {used_uah} uAh: it must be at most {most}"
    return ""


def _published(must: Must, result: Result) -> str:
    least, count = must.published_at_least, result["published"]
    return f"{count} messages were published: it must be at least {least}" if count < least else ""


def _value(text: str) -> Any:
    return cbor.decode(binascii.unhexlify(text))


_CHECKS = (_errors, _agree, _state, _neighbours, _published, _used)
