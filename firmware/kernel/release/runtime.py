"""MicroPython itself, of which a board has places: one runs, the next one comes to another.

A new one is tried as a release is. The bootloader goes back by itself from one that nobody has
confirmed before the next reset; what is counted here says whether it is tried again, and only what
the agent found healthy is confirmed with the bootloader.

Input    boot(cost, …) first; confirm(); begin(envelope, kind), is_whole(), start()
Effects  those of the places; writes the table of the journal of releases
Bounds   TRIAL_UNITS of tries
Source   SPEC.md, "MicroPython"; ESP-IDF Programming Guide, "Over The Air Updates"
"""

from hashlib import sha256

from .envelope import Envelope
from .manifest import check
from .refusals import (
    REFUSED_GIVEN_UP,
    REFUSED_MICROPYTHON,
    REFUSED_ON_TRIAL,
    REFUSED_RUNTIME,
    REFUSED_UNSIGNED,
    RefusedError,
)
from .runtime_index import digest_of
from .runtime_record import KEY, RuntimeRecord, from_bytes
from .slots import CONFIRMED, COST_POWER, COST_UNCLEAN, DAMAGED, TRIAL, TRIAL_UNITS
from .trust import ROLE_RELEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import RuntimePlaces
    from .installation import Installation
    from .manifest import Board, Manifest

KEYS_BYTES = 8
BACK_TRIES = 3
# After a third crash the agent would leave the application out, also on what is gone back to.
CRASH_UNITS = TRIAL_UNITS // 2
SETTLED, ON_TRIAL, RESTART = range(3)  # what `boot` found


class Runtime:
    """The places of MicroPython on one board, and which release of it stands where.

    Shape: `manifest` is that of the release which is being fetched, None for none.
    """

    def __init__(
        self, installation: "Installation", places: "RuntimePlaces", class_id: bytes, mpy: int
    ) -> None:
        self.places = places
        self.class_id = class_id
        self.manifest: "Manifest | None" = None
        self._document = b""
        self._installation = installation
        self._format = mpy
        try:
            self.record = from_bytes(installation.table.get(KEY) or b"")
        except OSError:  # it is as if MicroPython had never come over the air
            self.record = RuntimeRecord()
        self._count_from_root()

    @property
    def is_on_trial(self) -> bool:
        """Whether one is being tried."""
        return self.record.slot.state == TRIAL

    @property
    def is_kept(self) -> bool:
        """Whether what was tried last is what runs from now on."""
        return self.record.slot.state == CONFIRMED

    @property
    def runs(self) -> int:
        """The sequence of what runs, 0 if it came by cable or was given up."""
        record, at = self.record, self.places.running_at
        if self.is_on_trial and record.place == at:
            return record.slot.sequence
        return record.sequence if record.confirmed_at == at else 0

    def boot(self, cost: int, is_healthy: bool = False, is_given_up: bool = False) -> int:
        """Take what a boot says of a trial: SETTLED, ON_TRIAL, or RESTART if another is to run.

        Units: `cost` is one of COST_…; where the bootloader went back, it is COST_POWER at least.
        """
        record, at = self.record, self.places.running_at
        is_running = record.place == at
        if cost == COST_UNCLEAN:
            cost = CRASH_UNITS
        try:
            if self.is_on_trial and is_running:
                return self._go_on(cost, is_healthy, is_given_up)
            if self.is_on_trial:
                left = record.slot.left - max(cost, COST_POWER)
                return self._try_again(0 if is_given_up else left)
            if is_running and at != record.confirmed_at and record.slot.left:
                # It was given up, and the bootloader stays. No way back is tried for ever.
                record.slot.left -= 1
                self._commit()
                self.places.set_boot(record.before)
                return RESTART
        except OSError:
            self._installation.table.rollback()
            return ON_TRIAL if self.is_on_trial and is_running else SETTLED
        if at in (record.place, record.before):
            self.places.mark_valid()  # what was gone back to is new for the bootloader
        return SETTLED

    def confirm(self) -> None:
        """Keep the one on trial: first with the bootloader, which goes back else at a reset.

        Raises: OSError when the medium fails; then it is on trial for whoever starts next.
        """
        record = self.record
        if not self.is_on_trial or record.place != self.places.running_at:
            return
        self.places.mark_valid()
        record.keep()
        self._commit()

    def begin(self, envelope: "bytes | memoryview", kind: "Board", now_s: int = 0) -> int:
        """Take a release of MicroPython; return why not, 0 if its blocks may be fetched."""
        trust, record = self._installation.trust, self.record
        if trust is None:
            return REFUSED_UNSIGNED
        if self.is_on_trial:
            return REFUSED_ON_TRIAL
        self._count_from_root()
        now_s = max(now_s, self._installation.now_s)
        try:
            document, manifest = Envelope(envelope).digest(), trust.vouched(envelope, now_s)
        except RefusedError as error:
            return error.reason
        # What was confirmed and does not run, because it has rotted, may come again.
        least = record.sequence if self.runs == record.sequence else record.sequence - 1
        reason = check(manifest, kind, least, record.counter)
        if not reason and manifest.mpy < self._format:
            reason = REFUSED_RUNTIME  # it could not load what is here
        if not reason and document in record.rejected:
            reason = REFUSED_GIVEN_UP
        if not reason:
            self._document, self.manifest = document, manifest
            if self._is_here(manifest):
                reason = REFUSED_MICROPYTHON  # not any more: it came by cable
        return reason

    def is_whole(self) -> bool:
        """Tell whether the release that was fetched reads back as signed.

        Raises: OSError when the medium fails.
        """
        manifest = self.manifest
        if manifest is None:
            return False
        return digest_of(self.places.spare, manifest.size_bytes) == manifest.digest

    def start(self) -> bool:
        """Have the next boot try what was fetched; False if it is not whole.

        Raises: OSError when the medium fails, or the bootloader does not take it.
        """
        manifest, places, record = self.manifest, self.places, self.record
        if manifest is None or self.is_on_trial or not self.is_whole():
            return False
        record.begin(self._document, manifest, places.spare_at, places.running_at)
        self._commit()
        places.set_boot(record.place)
        return True

    def _is_here(self, manifest: "Manifest") -> bool:
        """Tell whether what runs is this release, byte for byte; from then on it counts as it."""
        record, places = self.record, self.places
        try:
            if digest_of(places.running, manifest.size_bytes) != manifest.digest:
                return False
            record.sequence = manifest.sequence
            record.counter = max(record.counter, manifest.security_counter)
            record.confirmed_at = places.running_at
            self._commit()
        except OSError:
            return False
        return True

    def _go_on(self, cost: int, is_healthy: bool, is_given_up: bool) -> int:
        # A boot of the one on trial.
        if is_healthy:
            self.confirm()
            return SETTLED
        slot = self.record.slot
        slot.left = max(0, slot.left - cost)
        if is_given_up or not slot.left:
            self._reject()
            return RESTART  # the bootloader goes back, if it was not told before to stay
        if cost:
            self._commit()
        return ON_TRIAL

    def _try_again(self, left: int) -> int:
        # The bootloader went back, or the power went before it was told.
        record, places = self.record, self.places
        if left <= 0:
            self._reject()
            places.mark_valid()
            return SETTLED
        slot = record.slot
        slot.left = left
        is_there = record.place == places.spare_at
        if not is_there or digest_of(places.spare, slot.size_bytes) != slot.digest:
            slot.follow(DAMAGED)
        self._commit()
        if not self.is_on_trial:
            return SETTLED
        places.set_boot(record.place)
        return RESTART

    def _reject(self) -> None:
        self.record.reject(BACK_TRIES)
        self._commit()

    def _count_from_root(self) -> None:
        # What a thief of other release keys made it count up to is void.
        trust, record = self._installation.trust, self.record
        if trust is None:
            return
        threshold, keys = trust.root.roles[ROLE_RELEASE]
        named = sha256(bytes((threshold,)) + b"".join(keys)).digest()[:KEYS_BYTES]
        if record.keys not in (b"", named):
            record.sequence = min(record.sequence, trust.root.sequence)
            record.counter = min(record.counter, trust.root.security_counter)
        record.keys = named

    def _commit(self) -> None:
        table = self._installation.table
        table.put(KEY, self.record.to_bytes())
        table.commit()
