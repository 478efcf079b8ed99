"""The share of 1,000 agents that a roll-out leaves updated or as they were, and none bricked.

A fifth of all frames is lost, agents wake every 60 s, and of 5 % the power is cut in the middle of
their update. A release that crashes, and one that is never heard, must halt with at most 2 % of
the fleet asked; if they do not, nothing counts. There boards live by their schedules.
"""

from collections import Counter
from collections.abc import Callable

from support.rollout_world import Fleet, cuts_drawn, update

UNIT = "%"
AT_LEAST = 100
BOARDS, MINUTES = 1_000, 600
ASKED_MAX = BOARDS // 50
CUTS_MIN = 0.8  # of those that were drawn


def measure(say: Callable[[str], None]) -> float:
    """Run the good release, then the bad ones."""
    fleet = Fleet(BOARDS)
    good = update(fleet, MINUTES)
    became = Counter(good.ended.boards.values())
    uah = sum(good.ended.used_uah.values()) // BOARDS
    hours = good.ended.took_ms / 3_600_000
    cuts = good.ended.power_cuts
    say(f"good: {dict(became)}, {good.rollout.state} after {hours:.2f} h, {uah} uAh a board")
    say(f"{cuts} power cuts in the middle of an update, {cuts_drawn(fleet)} drawn")
    assert cuts >= CUTS_MIN * cuts_drawn(fleet) > 0  # else nothing of that was tried
    for fate in ("crash", "mute"):
        bad = update(Fleet(BOARDS, fate=fate, has_agents=False), MINUTES)
        became_bad = Counter(bad.ended.boards.values())
        say(f"{fate}: {bad.rollout.why}, {bad.ended.asked} asked, {dict(became_bad)}")
        assert bad.rollout.state == "halted" and bad.ended.asked <= ASKED_MAX, fate
        assert became_bad["as it was"] == BOARDS, fate
    return 100 * (became["updated"] + became["as it was"]) / BOARDS
