"""When a fleet is looked at once its faults are over, and what that says. CPython only.

A fleet may be divided: each part says what it misses of its own agents, and the least of all
counts, so that the verdict does not depend on the parts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cma_toolkit.sim.world.watcher import NEVER_MS

Part = dict[str, Any]
Key = tuple[int, int, int]  # of what is missing: its sort, and of which agents

NAME = "convergence"
LOOK_MS = 1_000


class Calm:
    """Wait for a fleet to be whole, within a bound.

    Shape of a part: missing, the least (key, text) or None; empty, the agents whose battery is
    empty or was lately; agree, for each key in turn the number and value of its first agent and
    of the first one whose value is another, None where there is none.
    """

    def __init__(self, from_ms: int, bound_ms: int, agree: Sequence[str]) -> None:
        self.look_at_ms = from_ms
        self.converged_at_ms = -1
        self._from_ms = from_ms
        self._bound_ms = bound_ms
        self._agree = agree

    def look(
        self, now_ms: int, names: Sequence[str], ask: Callable[[Sequence[int]], Sequence[Part]]
    ) -> str:
        """Return what broke the bound, "" if nothing did.

        `ask` returns all parts, leaving out some agents.
        """
        if self.converged_at_ms >= 0:
            return ""
        self.look_at_ms = now_ms + LOOK_MS
        parts = ask(())
        if not self._missing(names, parts):
            self.converged_at_ms, self.look_at_ms = now_ms, NEVER_MS
        elif now_ms >= self._from_ms + self._bound_ms:
            empty = sorted(agent for part in parts for agent in part["empty"])
            missing = self._missing(names, ask(empty) if empty else parts)
            calm_s, bound_s = self._from_ms // 1000, self._bound_ms // 1000
            if missing:
                bound = f"within {bound_s} s after the faults ended at {calm_s} s"
                return f"{NAME}: not {bound}: {missing}"
        return ""

    def _missing(self, names: Sequence[str], parts: Sequence[Part]) -> str:
        found = [part["missing"] for part in parts if part["missing"] is not None]
        if found:
            return str(min(found)[1])
        for place, key in enumerate(self._agree):
            told = [part["agree"][place] for part in parts]
            problem = _disagreement(names, key, [each for each in told if each is not None])
            if problem:
                return problem
        return ""


def _disagreement(names: Sequence[str], key: str, told: list[Any]) -> str:
    if not told:
        return ""
    if all(first[1] is None and other is None for first, other in told):
        return f"no agent has agent.state['{key}']"
    agent, value = min(first for first, _other in told)
    others = []
    for first, other in told:
        if first[1] != value:
            others.append(first[0])
        elif other is not None:
            others.append(other[0])
    if not others:
        return ""
    return f"{names[agent]} and {names[min(others)]} do not agree on agent.state['{key}']"
