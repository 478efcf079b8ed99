"""Why boards of a rehearsal do not have the release at its end: a sentence for each."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from cma_toolkit.host_tools.rollout import decide, stages
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.reach import NOTHING_COMES, Reach
from cma_toolkit.host_tools.rollout.records import Member, Prediction, Rollout

_MUCH_PERMILLE = 500


def lacking(
    rollout: Rollout,
    members: Sequence[Member],
    reach: Mapping[str, Reach],
    raised: Collection[int],
) -> tuple[tuple[str, str], ...]:
    """Return the boards that do not have it, by name, and why; on nodes `raised` app.py did."""
    unopened = _why_unopened(rollout, members)
    return tuple(
        (
            member.name,
            unopened
            if member.stage == stages.WAITING
            else _why(rollout, member, reach[member.mac], raised),
        )
        for member in members
        if member.stage not in stages.GOOD
    )


def is_able(rollout: Rollout, member: Member, reach: Reach) -> bool:
    """Tell whether time alone may still change what became of a board."""
    is_heard = reach.edge_permille < NOTHING_COMES
    return member.stage not in stages.OVER and is_heard and not decide.is_weak(rollout, member)


def summary(found: Prediction) -> list[str]:
    """Return a line for each board that lacked it in any run: how often, and why mostly."""
    whys: dict[str, Counter[str]] = {}
    for run in found.runs:
        for name, why in run.lacking:
            whys.setdefault(name, Counter())[why] += 1
    runs = len(found.runs)
    return [
        f"{name}, in {counted.total()} of {runs} {'run' if runs == 1 else 'runs'}: "
        f"{counted.most_common(1)[0][0]}"
        for name, counted in sorted(whys.items())
    ]


def _why(rollout: Rollout, member: Member, reach: Reach, raised: Collection[int]) -> str:
    why = _bare_why(rollout, member, reach)
    if member.stage in stages.BAD and node_of(member.mac) in raised:
        return f"{why}; app.py raised there: see cma sim app.py"
    percent = reach.edge_permille / 10
    if reach.why or reach.edge_permille < _MUCH_PERMILLE:
        return why
    return f"{why}; {percent:.0f} % of its frames get lost on the way to the edge"


def _why_unopened(rollout: Rollout, members: Sequence[Member]) -> str:
    if rollout.why:
        return f"its wave did not open, as {rollout.why}"
    asked = [member for member in members if member.wave <= rollout.wave]
    have = sum(1 for member in asked if member.stage in stages.GOOD)
    return (
        f"its wave did not open: {have} of the {len(asked)} boards before it had the release, "
        f"{decide.needed(rollout, members)} must"
    )


def _bare_why(rollout: Rollout, member: Member, reach: Reach) -> str:
    if member.stage in stages.BAD:
        return member.why
    if reach.why:
        return f"{reach.why}: it cannot tell that it has the release"
    if decide.is_weak(rollout, member):
        floor_mv = rollout.terms.battery_mv
        return (
            f"its battery told {member.battery_mv} mV, less than the {floor_mv} of --min-battery"
        )
    words = {stages.QUEUED: "it was not heard of", stages.FETCHING: "it had not all of it yet"}
    return words.get(member.stage, "it was still on trial")
