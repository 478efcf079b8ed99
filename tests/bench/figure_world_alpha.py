"""How fast a world of 100,000 agents runs that wake every 300 s, against real time.

The whole kernel in each, which stores nothing, deleted and rebuilt at each sleep, as machine code
(sim/world/compiled.py), in one process and on one core. More memory than allowed is no figure.
Measured from the fourth period on, when those who listened through the first have come to windows;
how fast it was until then, and all in all, is said.
"""

from collections.abc import Callable

from support import world_load

UNIT = "simulated s per CPU s"
AT_LEAST = 1
AGENTS, PERIOD_S, SETTLE_S, SPAN_S = 100_000, 300, 900, 300
MEMORY_MB_MAX = 16 * 1024


def measure(say: Callable[[str], None]) -> float:
    """Run the world until its first clusters have formed, then for one period."""
    found = world_load.measure(
        agents=AGENTS, period_s=PERIOD_S, settle_s=SETTLE_S, span_s=SPAN_S, compiled=True
    )
    all_in_all = (SETTLE_S + SPAN_S) / (found["settle_cpu_s"] + found["cpu_s"])
    say(
        f"{found['rss_mb']:.0f} MB at most, {found['rebuilds']} rebuilds in {SPAN_S} s, "
        f"{SETTLE_S / found['settle_cpu_s']:.2f} times real time until then, "
        f"{all_in_all:.2f} from second 0"
    )
    if found["rss_mb"] > MEMORY_MB_MAX:
        raise RuntimeError(f"{found['rss_mb']:.0f} MB are more than {MEMORY_MB_MAX}")
    speed: float = found["speed"]
    return speed
