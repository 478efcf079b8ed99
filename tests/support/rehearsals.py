"""How well rehearsals predict what becomes of a fleet that none of them has seen."""

from dataclasses import replace
from statistics import median

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from support.rollout_world import Fleet, Told, as_seen, update

BOARDS, MINUTES, LISTENED_MIN = 30, 600, 30
SOAK_S = 3_600
REHEARSED = (1, 2, 3, 4, 5)
LOSS_PERMILLE, CUT_PERMILLE, WEAK_MAX = 200, 50, 3


def errors_of(seed: int) -> tuple[str, tuple[float, float]]:
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
