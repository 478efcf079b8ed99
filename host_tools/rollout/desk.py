"""Where boards are offered releases and tell how it went: what a server of releases asks.

Each decision is one transaction of the fleet database, and is on the disk before its caller may
act on it: a computer that dies goes on where it was, whatever it was about to do.
"""

from dataclasses import replace
from hashlib import sha256

from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.host_tools.errors import needs_yes, usage
from cma_toolkit.host_tools.rollout import decide
from cma_toolkit.host_tools.rollout.decide import Change
from cma_toolkit.host_tools.rollout.records import (
    ABORTED,
    HALTED,
    NOBODY,
    OPEN_STATES,
    PAUSED,
    RUNNING,
    Member,
    Offer,
    Report,
    Rollout,
)
from cma_toolkit.host_tools.rollout.stages import BAD
from cma_toolkit.host_tools.rollout.store import Store


class Desk:
    """The newest roll-out of a fleet; only one that is open changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = (-1, -1)
        self._rollout: Rollout | None = None
        self._members: dict[int, Member] = {}

    def offers(self, now_s: int) -> list[Offer]:
        """Return what may be taken now, and by whom; of the newest roll-out if none is open."""
        rollout = self._read()
        if rollout is None:
            return []
        if self._offered_to(rollout, now_s)[1] != rollout.offered_to:
            with self._store.database.transaction() as db:
                rollout = self._read() or rollout
                fresh = replace(
                    rollout,
                    generation=rollout.generation + 1,
                    offered_to=self._offered_to(rollout, now_s)[1],
                )
                self._store.write(db, Change(fresh), now_s)
            self._take(Change(fresh))
            rollout = fresh
        nodes, _ = self._offered_to(rollout, now_s)
        return [Offer(rollout.generation, rollout.sequence, rollout.digest, nodes)]

    def on_report(self, report: Report, now_s: int) -> None:
        """Take what a board tells of itself; of a board in no roll-out nothing is kept."""
        rollout, member = self._open(), self._members.get(report.node)
        if rollout is None or member is None:
            return
        if decide.on_report(rollout, member, report, now_s).members:
            self._commit(report, now_s)

    def on_time(self, now_s: int) -> None:
        """Let time pass: call it once a minute, else nobody is found to have fallen silent."""
        if self._open() is not None:
            self._commit(None, now_s)

    def pause(self, now_s: int) -> Rollout:
        """Offer nothing until `resume`; boards on trial go on by themselves.

        Raises: CmaError 2 if no roll-out is running.
        """
        return self._turn(PAUSED, (RUNNING,), now_s)

    def resume(self, now_s: int, *, yes: bool = False) -> Rollout:
        """Go on; with `yes` also after a halt, and the boards that failed count no more.

        Raises: CmaError 2 if none is paused or halted, 8 if it halted and there is no `yes`.
        """
        return self._turn(RUNNING, (PAUSED, HALTED), now_s, yes=yes)

    def abort(self, now_s: int) -> Rollout:
        """End it: nobody is offered anything any more, and who has the release keeps it.

        Raises: CmaError 2 if none is open.
        """
        return self._turn(ABORTED, OPEN_STATES, now_s)

    def _turn(
        self, state: str, from_states: tuple[str, ...], now_s: int, *, yes: bool = True
    ) -> Rollout:
        with self._store.database.transaction() as db:
            rollout = self._open()
            if rollout is None:
                raise usage("No roll-out is open: start one with cma rollout start.")
            if rollout.state not in from_states:
                raise usage(f"The roll-out is {rollout.state}: see cma rollout status.")
            if rollout.state == HALTED and not yes:
                raise needs_yes(
                    f"The roll-out halted: {rollout.why}. Look at cma rollout status; to go on, "
                    "and count those boards no more, add --yes."
                )
            if rollout.state == HALTED and state == RUNNING:
                rollout = decide.accepted(rollout, list(self._members.values()))
            rollout = replace(rollout, state=state, why="", changed_at_s=now_s)
            if state == RUNNING:  # nobody was asked meanwhile: silence begins anew
                rollout = replace(rollout, listened_at_s=0)
            change = Change(rollout, steps=(("", "resumed" if state == RUNNING else state),))
            self._store.write(db, change, now_s)
        self._take(change)
        return rollout

    def _commit(self, report: Report | None, now_s: int) -> None:
        """Take a report, if there is one, and decide what follows from the time, or a failure."""
        with self._store.database.transaction() as db:
            rollout = self._open()  # again: who pauses or aborts is another process
            if rollout is None:
                return
            changes, members = [], dict(self._members)
            if report is not None and report.node in members:
                changes.append(decide.on_report(rollout, members[report.node], report, now_s))
                members.update((node_of(member.mac), member) for member in changes[0].members)
            failed = [one for change in changes for one in change.members if one.stage in BAD]
            if report is None or failed:
                changes.append(decide.on_time(rollout, list(members.values()), now_s))
            for change in changes:
                self._store.write(db, change, now_s)
        for change in changes:
            self._take(change)

    def _open(self) -> Rollout | None:
        rollout = self._read()
        return rollout if rollout and rollout.state in OPEN_STATES else None

    def _offered_to(self, rollout: Rollout, now_s: int) -> tuple[tuple[int, ...], str]:
        """Return the nodes of an offer, and a digest of them and of the round."""
        members = list(self._members.values())
        who = decide.offered(rollout, members, now_s)
        nodes = tuple(sorted(node_of(member.mac) for member in who)) or (NOBODY,)
        what = repr((nodes, decide.round_of(rollout, members, now_s)))
        return nodes, sha256(what.encode()).hexdigest()

    def _read(self) -> Rollout | None:
        """Return the newest roll-out, as it is in the database now."""
        version = self._store.version()
        if version != self._version:
            self._rollout = self._store.newest()
            members = self._store.members(self._rollout) if self._rollout else []
            self._members = {node_of(member.mac): member for member in members}
            self._version = version
        return self._rollout

    def _take(self, change: Change) -> None:
        self._rollout = change.rollout
        for member in change.members:
            self._members[node_of(member.mac)] = member


def node_of(mac: str) -> int:
    """Return the node id of the board with that MAC address."""
    return node_id(bytes.fromhex(mac.replace(":", "")))
