"""What becomes of a roll-out: what a report, the time and a person change in it.

Pure: each function returns what is to be written, nothing is done. Offers follow from what was
written (`offers`), so that a decision is on the disk before any board can act on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cma_toolkit.host_tools.release.repository import name_of
from cma_toolkit.host_tools.rollout import stages, windows
from cma_toolkit.host_tools.rollout.records import (
    DONE,
    HALTED,
    RUNNING,
    Member,
    Report,
    Rollout,
)

DEAF_S = 300  # without a call for so long, nobody listened, and silence is not the boards' fault
ASK_S = 180  # so long after it was heard last, a board in flight is asked how it is
HEARD_EVERY_S = 60  # how exactly it is known when a board was heard last
_ALL_PERMILLE = 1_000
_TURNS = 3  # within the time after which a board is silent: a wake period each


@dataclass(frozen=True)
class Change:
    """What is to be written: the roll-out, the members that changed, and a line for each step."""

    rollout: Rollout
    members: tuple[Member, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()  # the MAC address of a board or "", and what happened


def on_report(rollout: Rollout, member: Member, report: Report, now_s: int) -> Change:
    """Take what a board of a roll-out tells of itself."""
    event = stages.event_of(report, rollout.sequence)
    stage = stages.NEXT[member.stage, event]
    fresh = replace(
        member,
        stage=stage,
        done_permille=_done(member, stage, report),
        battery_mv=report.battery_mv or member.battery_mv,
        used_uah=_used_uah(rollout, member, report),
        heard_at_s=max(member.heard_at_s, now_s),
    )
    if stage == member.stage:
        late = fresh.heard_at_s - member.heard_at_s >= HEARD_EVERY_S
        same = replace(fresh, heard_at_s=member.heard_at_s) == member
        return Change(rollout, () if same and not late else (fresh,))
    why = _why(event, report) if stage == stages.FAILED else ""
    fresh = replace(fresh, why=why, changed_at_s=now_s)
    return Change(rollout, (fresh,), ((member.mac, why or stage),))


def on_time(rollout: Rollout, members: Sequence[Member], now_s: int) -> Change:
    """Notice who fell silent, halt if too many failed, else open the next wave."""
    if rollout.state != RUNNING:
        return Change(replace(rollout, listened_at_s=now_s))
    was_deaf = now_s - rollout.listened_at_s > DEAF_S
    rollout = replace(rollout, listened_at_s=now_s)
    if was_deaf:  # what went wrong meanwhile is yet to be told: the soak begins anew
        rollout = replace(rollout, changed_at_s=now_s)
    changed = {
        fresh.mac: fresh
        for member in members
        if (fresh := _as_time_passes(rollout, member, now_s, was_deaf)) != member
    }
    steps = [
        (mac, fresh.why)
        for mac, fresh in changed.items()
        if fresh.stage == stages.SILENT and fresh.changed_at_s == now_s
    ]
    members = [changed.get(member.mac, member) for member in members]
    why = why_halt(rollout, members)
    if why:
        rollout = _ended(rollout, HALTED, why, now_s)
        steps.append(("", f"halted: {why}"))
    elif all(member.stage in stages.OVER for member in members):
        rollout = _ended(rollout, DONE, "", now_s)
        steps.append(("", "done"))
    elif rollout.wave + 1 < rollout.waves and _is_settled(rollout, members, now_s):
        rollout = replace(rollout, wave=rollout.wave + 1, changed_at_s=now_s)
        steps.append(("", f"wave {rollout.wave + 1} of {rollout.waves} opened"))
    for member in members:
        if rollout.state == RUNNING and member.wave <= rollout.wave:
            stage = stages.NEXT[member.stage, stages.OPENED]
            if stage != member.stage:
                changed[member.mac] = replace(member, stage=stage, changed_at_s=now_s)
    return Change(rollout, tuple(changed.values()), tuple(steps))


def why_halt(rollout: Rollout, members: Sequence[Member]) -> str:
    """Return why a roll-out has to stop, "" if it has not.

    No canary may fail, and of all boards no more than the terms allow; what a person accepted
    when the roll-out had halted does not count again.
    """
    failed = [member for member in members if member.stage in stages.BAD]
    canaries = sum(1 for member in failed if member.wave == 0)
    terms = rollout.terms
    if canaries > terms.canary_failures_max:
        return f"{_count(canaries, 'canary', 'canaries')} failed"
    if len(failed) > terms.failures_max:
        return f"{_count(len(failed), 'board', 'boards')} failed, {terms.failures_max} may"
    return ""


def accepted(rollout: Rollout, members: Sequence[Member]) -> Rollout:
    """Return a roll-out to which the failures so far are no reason to halt any more."""
    failed = [member for member in members if member.stage in stages.BAD]
    canaries = sum(1 for member in failed if member.wave == 0)
    terms = replace(
        rollout.terms,
        failures_max=max(rollout.terms.failures_max, len(failed)),
        canary_failures_max=max(rollout.terms.canary_failures_max, canaries),
    )
    return replace(rollout, terms=terms)


def offered(rollout: Rollout, members: Sequence[Member], now_s: int) -> list[Member]:
    """Return who may take the release now."""
    if rollout.state != RUNNING or not windows.is_open(rollout.terms.windows, now_s):
        return []
    asked = [
        member
        for member in members
        if member.stage in stages.TO_OFFER
        and member.wave <= rollout.wave
        and not is_weak(rollout, member)
    ]
    most = rollout.terms.in_flight_max
    if not most:
        return asked
    busy = sum(1 for member in members if member.stage in stages.IN_FLIGHT)
    fetching = [member for member in asked if member.stage in stages.IN_FLIGHT]
    idle = [member for member in asked if member.stage not in stages.IN_FLIGHT]
    return fetching + _in_turn(rollout, idle, now_s)[: max(0, most - busy)]


def round_of(rollout: Rollout, members: Sequence[Member], now_s: int) -> int:
    """Return a number that changes when boards are to be asked again how they are.

    Who hears an offer that is new tells what it runs, once, and that may get lost: without another
    one, a board that is well would count as silent.
    """
    is_unheard = any(
        member.stage in stages.IN_FLIGHT and now_s - member.heard_at_s >= ASK_S
        for member in members
    )
    return now_s // ASK_S if rollout.state == RUNNING and is_unheard else 0


def is_weak(rollout: Rollout, member: Member) -> bool:
    """Tell whether a board's battery, as far as it told, is below the floor."""
    return 0 < member.battery_mv < rollout.terms.battery_mv


def needed(rollout: Rollout, members: Sequence[Member]) -> int:
    """Return how many boards of the open waves must have the release before the next opens.

    All canaries must, of later waves a share, as some boards sleep for long; of boards that failed
    none is waited for.
    """
    alive = [
        member
        for member in members
        if member.wave <= rollout.wave and member.stage not in stages.BAD
    ]
    permille = rollout.terms.enough_permille if rollout.wave else _ALL_PERMILLE
    return -(-len(alive) * permille // _ALL_PERMILLE)


def _is_settled(rollout: Rollout, members: Sequence[Member], now_s: int) -> bool:
    """Tell whether enough boards have the release, and have had it for long enough."""
    since = sorted(
        member.changed_at_s
        for member in members
        if member.wave <= rollout.wave and member.stage in stages.GOOD
    )
    count = needed(rollout, members)
    if len(since) < count:
        return False
    return now_s - max([rollout.changed_at_s, *since[:count]]) >= rollout.terms.soak_s


def _in_turn(rollout: Rollout, idle: Sequence[Member], now_s: int) -> list[Member]:
    """Return boards in the order in which they are asked where not all may be at once.

    First those that are awake as far as is known. Who does not take it passes its place on when
    its turn is over, so that nobody who sleeps for long, or is dead, keeps it from the others.
    """
    turn_s = max(1, rollout.terms.silence_s // _TURNS)
    passed = (now_s - rollout.started_at_s) // turn_s * rollout.terms.in_flight_max
    places = {member.mac: (at - passed) % len(idle) for at, member in enumerate(idle)}
    return sorted(
        idle, key=lambda member: (now_s - member.heard_at_s > turn_s, places[member.mac])
    )


def _as_time_passes(rollout: Rollout, member: Member, now_s: int, was_deaf: bool) -> Member:
    if member.stage not in stages.IN_FLIGHT:
        return member
    if was_deaf:
        return replace(member, heard_at_s=now_s)
    if now_s - member.heard_at_s < rollout.terms.silence_s:
        return member
    stage = stages.NEXT[member.stage, stages.SILENCE]
    why = f"not heard for {rollout.terms.silence_s // 60} min after it was {_doing(member)}"
    return replace(member, stage=stage, why=why, changed_at_s=now_s)


def _doing(member: Member) -> str:
    return "on trial" if member.stage == stages.TRIAL else "fetching"


def _ended(rollout: Rollout, state: str, why: str, now_s: int) -> Rollout:
    return replace(rollout, state=state, why=why, changed_at_s=now_s)


def _done(member: Member, stage: str, report: Report) -> int:
    if stage == stages.FETCHING:
        return report.done_permille
    return _ALL_PERMILLE if stage in (stages.TRIAL, stages.UPDATED) else member.done_permille


def _used_uah(rollout: Rollout, member: Member, report: Report) -> int:
    """Return what the update took of a board's battery so far; what it tells only grows."""
    is_this = rollout.sequence in (report.target, report.sequence)
    return max(member.used_uah, report.used_uah) if is_this else member.used_uah


def _why(event: str, report: Report) -> str:
    if event == stages.REJECTED:
        return f"rejected it: {name_of(report.reason)}"
    return f"went back to release {report.sequence}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
