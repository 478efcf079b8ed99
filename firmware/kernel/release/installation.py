"""The two slots of a board: which of them runs, how a trial ends, and whom the board believes.

Input    boot(cost) first; then confirm, give_up, restore, on_root, on_timestamp
Effects  none; reads the flash of the slots, writes the table of the journal of releases
Bounds   two slots; one commit of the journal for each change
Source   SPEC.md, "Slots"
"""

from hashlib import sha256

from ..fields import read_word, write_word
from . import papers, record, saved
from .envelope import Envelope
from .layout import trailer_at
from .refusals import REFUSED_UNSIGNED
from .slots import CONFIRMED, DROP, EMPTY, GIVE_UP, HEALTHY, LOST, REJECTED, TRIAL, Slot
from .trust import ROLE_RELEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Flash
    from ..shapes import Table

RECOVERY = -1  # instead of a slot: none is good
_EPOCH_S = 946_684_800  # of boards' clocks: 2000
_CLOCK = b"clock"  # what it was when the time came that was signed last


class Installation:
    """The slots of one board; nothing counts before `boot`."""

    def __init__(
        self,
        flash: "Flash",
        table: "Table",
        handed_root: bytes = b"",
        families: "Any" = (sha256,),
    ) -> None:
        """Read what is remembered, or find out without it.

        `handed_root` came onto the board by hand. If it is another one than before, trust starts
        anew, and what older keys vouched for and is not confirmed goes.
        """
        self.flash = flash
        self.table = table
        self.families = families
        self.running = RECOVERY
        self.now_s = self._clock_s = 0  # it is that late at least
        self.record = record.Record()
        self._load(handed_root)
        self.trust = record.believe(self.record.root, self.record.facts, families)

    @property
    def slots(self) -> "list[Slot]":
        """The slots, A first."""
        return self.record.slots

    @property
    def has_to_restore(self) -> bool:
        """Whether `restore` is to be called before the application runs."""
        return self.record.has_to_restore

    @property
    def is_revoked(self) -> bool:
        """Whether what runs must not start again, as its keys were revoked since."""
        at = self.running
        return at != RECOVERY and self.slots[at].state not in (TRIAL, CONFIRMED)

    def boot(self, cost: int) -> int:
        """Return the slot that runs, checked block by block, or RECOVERY.

        Units: `cost` is one of COST_…: what this boot takes from a trial.
        """
        from .boot import choose

        self.running = choose(self, cost)
        return self.running

    def trial(self) -> int:
        """Return the slot that is on trial, -1 if none is."""
        for at in range(2):
            if self.slots[at].state == TRIAL:
                return at
        return -1

    def confirm(self) -> None:
        """Take note that the release on trial is healthy.

        Raises: OSError when the medium fails; then it is on trial for whoever starts next.
        """
        at = self.trial()
        if at < 0:
            return
        slot, other = self.slots[at], self.slots[1 - at]
        slot.follow(HEALTHY)
        # The keys of today have not come to such a number: those that made it are revoked.
        is_void = other.state == CONFIRMED and other.sequence > slot.sequence
        if is_void:
            other.follow(LOST)
        self.record.counter = slot.security_counter
        if self.trust:
            self.trust.on_confirmed(slot.manifest())
        saved.forget(self.table)
        self.commit()
        if is_void:
            self.tidy()

    def give_up(self) -> None:
        """Reject the release on trial: the other slot runs from the next boot on.

        Raises: OSError when the medium fails.
        """
        at = self.trial()
        if at >= 0:
            self.reject(at)
            self.commit()
            self.tidy()

    def reject(self, at: int) -> None:
        """Have a slot's release be none that is tried again; `commit` makes it durable."""
        rejected = self.record.rejected
        rejected.append(self.slots[at].document)
        self.record.rejected = rejected[-record.REJECTED_MAX :]
        self.leave(at, GIVE_UP)

    def leave(self, at: int, event: int) -> None:
        """End a slot's use by an event; what ran on trial may have changed the state."""
        if self.slots[at].state == TRIAL:
            self.record.has_to_restore = True
        self.slots[at].follow(event)

    def restore(self, state: "Table") -> None:
        """Give the application back the state that it had before the trial that ended.

        Raises: OSError when a medium fails; it can be tried again.
        """
        saved.restore(self.table, state)
        saved.forget(self.table)
        self.record.has_to_restore = False
        self.commit()

    def on_root(self, data: bytes) -> int:
        """Take the next root; return why not, 0 if it did.

        Raises: OSError when the medium fails.
        """
        if self.trust is None:
            return REFUSED_UNSIGNED
        before = self.trust.root.roles[ROLE_RELEASE]
        reason = self.trust.on_root(data)
        if not reason:
            self.record.root = bytes(Envelope(data).payload)
            if self.trust.root.roles[ROLE_RELEASE] != before:
                self._drop()
            self.commit()
            self.tidy()
            self.read_clock(self._clock_s)  # what older keys said of the time may be void
        return reason

    def read_clock(self, clock_s: int) -> None:
        """Find out how late it is at least.

        Units: `clock_s` since 2000; since the power came, as long as nobody sets that clock.
        """
        self._clock_s, self.now_s = clock_s, clock_s + _EPOCH_S
        signed_s = self.trust.time_s if self.trust else 0
        if self.now_s >= signed_s:
            return
        self.now_s = signed_s
        try:
            stored = self.table.get(_CLOCK)
        except OSError:
            stored = None
        if stored:
            self.now_s += max(0, clock_s - read_word(stored, 0))

    def on_timestamp(self, data: bytes, now_s: int = 0) -> int:
        """Take word of what is current; return why not, 0 if it did.

        Raises: OSError when the medium fails.
        """
        if self.trust is None:
            return REFUSED_UNSIGNED
        now_s = max(now_s, self.now_s)
        reason = self.trust.on_timestamp(data, now_s)
        if record.facts_of(self.trust) != self.record.facts:
            stored = bytearray(4)
            since_s = max(0, now_s - self.trust.time_s)
            write_word(stored, 0, max(0, self._clock_s - since_s))
            self.table.put(_CLOCK, bytes(stored))
            self.commit()
        return reason

    def read_papers(self, at: int) -> "papers.Papers | None":
        """Return the papers of a slot, None if it has none whole.

        Raises: OSError when the medium fails.
        """
        return papers.read(self.flash, trailer_at(at, self.flash.sector_count))

    def tidy(self) -> None:
        """Take away the papers of what must not run, so that they prove nothing, ever."""
        for at in range(2):
            try:
                slot = self.slots[at]  # without a document it is one that nobody could read
                is_over = slot.state in (EMPTY, REJECTED) and slot.document
                if is_over and self.read_papers(at):
                    papers.erase(self.flash, trailer_at(at, self.flash.sector_count))
            except OSError:
                pass  # the next boot tries again

    def commit(self) -> None:
        """Make all of it durable, as one.

        Raises: OSError when the medium fails.
        """
        if self.trust:
            self.record.facts = record.facts_of(self.trust)
        self.table.put(record.KEY, self.record.to_bytes())
        if self.table.get(record.ROOT_KEY) != self.record.root:
            self.table.put(record.ROOT_KEY, self.record.root)
        self.table.commit()

    def _load(self, handed_root: bytes) -> None:
        data = root = None
        try:
            data, root = self.table.get(record.KEY), self.table.get(record.ROOT_KEY)
        except OSError:
            pass  # found out below, and not written: `choose` makes do with it
        held = record.from_bytes(data) if data else None
        if held is not None:
            held.root = root or b""
            if held.origin and not record.believe(held.root, held.facts, self.families):
                held = None  # half of a journal is none: nobody could be believed any more
        if held is None:
            from .proofs import find

            held = find(self.flash, handed_root, self.families)
        self.record = held
        origin = record.origin_of(handed_root)
        if origin and origin != held.origin:
            held.origin, held.root, held.facts = origin, handed_root, b""
            self._drop()

    def _drop(self) -> None:
        for at in range(2):
            self.leave(at, DROP)
