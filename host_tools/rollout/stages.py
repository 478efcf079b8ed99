"""How far one board is in a roll-out: every transition, as a table.

Pure. What a board tells may come late, twice or never, so each stage has an answer to everything.
Nothing but this table moves a board from one stage to another.
"""

from collections.abc import Sequence

from cma_toolkit.firmware.kernel.release.refusals import REFUSED_BATTERY
from cma_toolkit.host_tools.rollout.records import Member, Report

WAITING, QUEUED, FETCHING, TRIAL = "waiting", "queued", "fetching", "trial"
UPDATED, PASSED, FAILED, SILENT = "updated", "passed", "failed", "silent"
# waiting: its wave is closed; queued: offered to it, and not heard of since; passed: it had it
# already, or a newer one; silent: it fetched it or tried it, and is not heard any more.
STAGES = (WAITING, QUEUED, FETCHING, TRIAL, UPDATED, PASSED, FAILED, SILENT)

# What may happen: seven things that a board tells of itself, and two that we do. Weak: its battery
# has less than the release asks for, so it gives its place to another, and waits.
OLD, WEAK, FETCHES, TRIES, HAS = "old", "weak", "fetches", "tries", "has"
REJECTED, NEWER = "rejected", "newer"
OPENED, SILENCE = "opened", "silence"

_TABLE = """
            old       weak      fetches   tries     has       rejected  newer     opened    silence
waiting     waiting   waiting   fetching  trial     passed    failed    passed    queued    waiting
queued      queued    queued    fetching  trial     updated   failed    passed    queued    queued
fetching    fetching  queued    fetching  trial     updated   failed    passed    fetching  silent
trial       failed    failed    fetching  trial     updated   failed    passed    trial     silent
updated     failed    failed    failed    updated   updated   failed    updated   updated   updated
passed      waiting   waiting   fetching  trial     passed    failed    passed    passed    passed
failed      failed    failed    failed    failed    updated   failed    passed    failed    failed
silent      queued    queued    fetching  trial     updated   failed    passed    silent    silent
"""

_ROWS = [line.split() for line in _TABLE.strip().splitlines()]
EVENTS = tuple(_ROWS[0])
NEXT = {
    (row[0], event): stage
    for row in _ROWS[1:]
    for event, stage in zip(EVENTS, row[1:], strict=True)
}

GOOD = (UPDATED, PASSED)
BAD = (FAILED, SILENT)
IN_FLIGHT = (FETCHING, TRIAL)
TO_OFFER = (QUEUED, FETCHING, SILENT)
OVER = (UPDATED, PASSED, FAILED)


def told_uah(members: Sequence[Member]) -> int:
    """Return what the update took of a battery on average, 0 if no board that has it told."""
    told = [member.used_uah for member in members if member.stage == UPDATED and member.used_uah]
    return round(sum(told) / len(told)) if told else 0


def event_of(report: Report, sequence: int) -> str:
    """Return what a report says about the release of that number."""
    if report.sequence > sequence:
        return NEWER
    if report.sequence == sequence:
        return TRIES if report.stage == "trial" else HAS
    if report.target != sequence:
        return OLD
    if report.reason == REFUSED_BATTERY:
        return WEAK
    return {"fetching": FETCHES, "rejected": REJECTED}.get(report.stage, OLD)
