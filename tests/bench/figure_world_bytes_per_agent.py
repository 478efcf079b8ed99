"""Memory for one agent of a world, all of them awake; `say` tells it by part, and of sleepers.

What 100 agents add to one, as traced by the interpreter, with Python's own cost of each object.
"""

import json
import subprocess
import sys
from collections.abc import Callable

UNIT = "bytes"
AT_MOST = 65_536
AGENTS, PERIOD_S = 100, 60
AWAKE_S, ASLEEP_S = 45, 450  # all search for each other at first; then most of them sleep
SHOWN = 12  # parts
_PROGRAM = """
import json, sys
sys.path[:0] = {path!r}
from support.world_memory import parts
print(json.dumps(parts(*{arguments!r})))
"""


def _parts(agents: int, at_s: int) -> dict[str, int]:
    program = _PROGRAM.format(path=sys.path[:2], arguments=(agents, PERIOD_S, at_s))
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, int] = json.loads(ended.stdout)
    return found


def _each(at_s: int, say: Callable[[str], None]) -> int:
    """Return the bytes per agent at an instant, and tell what they are made of."""
    found, few = _parts(AGENTS, at_s), _parts(1, at_s)
    awake = found.pop("awake")
    each = {name: (size - few.get(name, 0)) // (AGENTS - 1) for name, size in found.items()}
    total = sum(each.values())
    say(f"{awake} of {AGENTS} awake: {total} bytes each")
    for name in sorted(each, key=lambda name: -each[name])[:SHOWN]:
        say(f"  {each[name]:6} {name}")
    if at_s == AWAKE_S and awake < AGENTS:
        raise RuntimeError("some agents sleep")
    return total


def measure(say: Callable[[str], None]) -> int:
    """Return the bytes of an agent that is awake."""
    _each(ASLEEP_S, say)
    return _each(AWAKE_S, say)
