"""How many times as fast a wide field is in two shards as in one process, on idle cores.

20,000 agents that wake each 300 s, in the first seconds, in which all look for each other; as
machine code. It is counted in the processor's time, so that a busy machine measures the same: of
each step that of the slower shard, then all that two processes take more than two shards in one.
Left out: how long a core takes to wake. All ways come to one digest, or there is no figure.
"""

from collections.abc import Callable

from support import shard_load

UNIT = "times as fast"
AT_LEAST = 1.2
PLAN = {"agents": 20_000, "period_s": 300, "span_s": 20}


def measure(say: Callable[[str], None]) -> float:
    """Run it all three ways."""
    one, near, far = (shard_load.measure(way, PLAN) for way in ("one", "near", "far"))
    if len({each["digest"] for each in (one, near, far)}) != 1:
        raise RuntimeError("one process and two come to different digests")
    pipes_s = max(0.0, far["all_s"] - near["all_s"])
    say(
        f"{one['all_s']:.1f} s in one process; {near['slowest_s']:.1f} s of the slower shard in "
        f"{near['steps']} steps, and {pipes_s:.1f} s for the pipes"
    )
    return float(one["all_s"]) / (near["slowest_s"] + pipes_s)
