"""Simulated seconds per CPU second of a world of 1,000 agents, on one core.

The whole kernel in each agent, which wakes each 60 s, is really deleted at each sleep and rebuilt
from snapshot and flash, and hears eight to nine others. It stores nothing, so that the start of
its journal is known from the boot before; with a write in each period a rebuild takes half as long
again. The kernel and the engine run as machine
code (sim/world/compiled.py), and come to the digest of the files as they are, or there is no
figure; `say` tells how fast those are.
"""

from collections.abc import Callable

from support import world_load

UNIT = "simulated s per CPU s"
AT_LEAST = 200
AGENTS, PERIOD_S, SETTLE_S, SPAN_S = 1_000, 60, 1_800, 600
FEW, SHORT_S = 50, 900  # of the comparison


def measure(say: Callable[[str], None]) -> float:
    """Compare the digests, then measure the machine code once the clusters have formed."""
    few = {"agents": FEW, "period_s": PERIOD_S, "settle_s": SHORT_S, "span_s": SHORT_S}
    made, plain = (world_load.measure(compiled=compiled, **few) for compiled in (True, False))
    say(f"{FEW} agents: {made['speed']:.0f} as machine code, {plain['speed']:.0f} as they are")
    if made["digest"] != plain["digest"]:
        raise RuntimeError("machine code and files come to different digests")
    found = world_load.measure(
        agents=AGENTS, period_s=PERIOD_S, settle_s=SETTLE_S, span_s=SPAN_S, compiled=True
    )
    each_us = 1_000_000 * found["cpu_s"] / found["rebuilds"]
    say(
        f"{found['rebuilds']} rebuilds, {each_us:.0f} µs each with all that happens between two, "
        f"{found['events']} events, {found['in_reach']:.1f} agents in reach"
    )
    speed: float = found["speed"]
    return speed
