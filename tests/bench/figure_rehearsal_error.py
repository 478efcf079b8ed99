"""By how much hours or charge of a roll-out differ from what a rehearsal predicted, on average.

Of each fleet the worse of both counts.

A rehearsal knows neither how many frames will be lost nor whose power will fail: it takes a tenth
and nobody's. In each of 20 fleets that it did not see, a loss of up to a fifth is drawn, and power
fails in 5 % of the updates. The clocks, the order in which boards wake, and what is lost are other
ones in each. Terms are those of `cma rollout start`. Agents run the same application in both.
"""

from collections.abc import Callable
from dataclasses import replace

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from support.rollout_world import Fleet, Told, update

UNIT = "%"
AT_MOST = 20
BOARDS, MINUTES, UNSEEN = 30, 600, 20
SOAK_S = 3_600
REHEARSED = (1, 2, 3)


def measure(say: Callable[[str], None]) -> float:
    """Return the mean of the errors; the worst is said."""
    fleet = Fleet(BOARDS, loss_permille=100, cut_permille=0, soak_s=SOAK_S)
    runs = [_measured(update(replace(fleet, seed=seed), MINUTES)) for seed in REHEARSED]
    hours, charge = (sorted(values)[len(values) // 2] for values in zip(*runs, strict=True))
    say(f"predicted {hours:.2f} h and {charge:.0f} uAh a board")
    errors = []
    for seed in range(100, 100 + UNSEEN):
        loss = Prng(seed_from(seed, "loss")).below(201)
        actual = replace(fleet, seed=seed, loss_permille=loss, cut_permille=50)
        took, used = _measured(update(actual, MINUTES))
        errors.append(max(abs(took / hours - 1), abs(used / charge - 1)))
        say(f"loss {loss / 10:.1f} %: {took:.2f} h, {used:.0f} uAh a board: {errors[-1]:.1%}")
    say(f"worst: {max(errors):.1%}")
    return 100 * sum(errors) / len(errors)


def _measured(told: Told) -> tuple[float, float]:
    ended = told.ended
    return ended.took_ms / 3_600_000, sum(ended.used_uah.values()) / len(ended.used_uah)
