"""By how much hours and charge of roll-outs differ from what rehearsals predicted.

The mean error of 20 fleets, of hours or of charge, whichever is worse; the worst fleet is said,
too. The soak of each wave is the same in both by the terms, so it is taken out of the hours first:
what is compared is the time that boards take.

Each of 20 fleets, none of which was seen before, is listened to by its edge for half an hour, then
rehearsed with five seeds as `cma rollout rehearse` does, by what the edge heard; what it calls
likely, their median, is what is predicted. It knows neither how many frames are lost everywhere
nor whose power will fail: it takes its defaults, a tenth of them and any 5 % of the boards. In
each fleet a loss of up to a fifth is drawn, up to three boards lose half of what they say to it or
more, and power fails in 5 % of the updates. Clocks, the order in which boards wake, what is lost
are other ones in each. Terms are those of `cma rollout start`. Agents run the same application in
both. Charge is what the boards' meters say; what they told over the air is said beside it.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from statistics import median

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from support.rollout_world import Fleet, Told, as_seen, update

UNIT = "%"
AT_MOST = 20
BOARDS, MINUTES, UNSEEN, LISTENED_MIN = 30, 600, 20, 30
SOAK_S = 3_600
REHEARSED = (1, 2, 3, 4, 5)
PROCESSES = 2
LOSS_PERMILLE, CUT_PERMILLE, WEAK_MAX = 200, 50, 3


def measure(say: Callable[[str], None]) -> float:
    """Return the greater of both means."""
    errors = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for line, both in pool.map(_errors, range(100, 100 + UNSEEN)):
            say(line)
            errors.append(both)
    means = []
    for name, own in zip(("hours", "charge"), zip(*errors, strict=True), strict=True):
        means.append(sum(own) / len(own))
        say(f"{name}: mean {means[-1]:.1%}, worst {max(own):.1%}")
    return 100 * max(means)


def _errors(seed: int) -> tuple[str, tuple[float, float]]:
    """Return what to say of a fleet, and by how much its hours and its charge differ."""
    fleet = _unseen(seed)
    seen = as_seen(fleet, LISTENED_MIN)
    runs = [_measured(update(replace(seen, seed=each), MINUTES)) for each in REHEARSED]
    hours, charge = (median(values) for values in zip(*runs, strict=True))
    told = update(fleet, MINUTES)
    took, used = _measured(told)
    errors = abs(hours / took - 1), abs(charge / used - 1)
    return (
        f"loss {fleet.loss_permille / 10:.1f} %, {len(fleet.far)} weak links, {len(seen.far)} "
        f"seen: {took:.2f} h beside the soak, predicted {hours:.2f}; {used:.0f} uAh a board, "
        f"predicted {charge:.0f}, told {_told_uah(told):.0f}: {errors[0]:.1%}, {errors[1]:.1%}"
    ), errors


def _unseen(seed: int) -> Fleet:
    rng = Prng(seed_from(seed, "fleet"))
    loss = rng.below(LOSS_PERMILLE + 1)
    weak = {rng.below(BOARDS): 500 + rng.below(300) for _ in range(rng.below(WEAK_MAX + 1))}
    return Fleet(BOARDS, loss, CUT_PERMILLE, seed=seed, soak_s=SOAK_S, far=weak)


def _measured(told: Told) -> tuple[float, float]:
    """Return the hours beside the soak that each wave but the last waits for, and uAh a board."""
    ended, soaks_s = told.ended, told.rollout.wave * SOAK_S
    hours = (ended.took_ms / 1_000 - soaks_s) / 3_600
    return hours, sum(ended.used_uah.values()) / len(ended.used_uah)


def _told_uah(told: Told) -> float:
    used = [member.used_uah for member in told.members if member.used_uah]
    return sum(used) / max(1, len(used))
