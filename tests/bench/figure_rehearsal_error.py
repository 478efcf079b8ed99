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

from support.rehearsals import errors_of

UNIT = "%"
AT_MOST = 20
UNSEEN, PROCESSES = 20, 2


def measure(say: Callable[[str], None]) -> float:
    """Return the greater of both means."""
    errors = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for line, both in pool.map(errors_of, range(100, 100 + UNSEEN)):
            say(line)
            errors.append(both)
    means = []
    for name, own in zip(("hours", "charge"), zip(*errors, strict=True), strict=True):
        means.append(sum(own) / len(own))
        say(f"{name}: mean {means[-1]:.1%}, worst {max(own):.1%}")
    return 100 * max(means)
