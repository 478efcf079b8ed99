"""The board while it updates: it listens to nothing else, takes what it is offered, hands it on.

One session, of a bounded time with the radio on. Who has nothing to do in it ends it soon; what
is there stays in flash, and the next session goes on with it.

Input    start(now), on_frame(now, link, buffer, length, rssi, out), on_time(now, out)
Effects  out.send; out.done, the last one; those of `intake`
Bounds   `budget`; IDLE_MS or LINGER_MS with nothing to do
Source   RFC 6206 for the offers; A. Hui, D. Culler, "The dynamic behavior of a data dissemination
         protocol for network programming at scale", SenSys 2004, for what is overheard
"""

from ..codec import frame
from ..codec.frame import BROADCAST, KIND_REPORT, KIND_WANT, VERSION
from ..effects import LINK_ALL
from ..limits import HEADER_BYTES
from ..ticks import ticks_add, ticks_diff
from . import talk
from .fetching import Fetching
from .holding import Holding, running_of
from .installation import RECOVERY
from .intake import Intake
from .offering import Offering, floor_of
from .refusals import NO_FAULTS
from .serving import Serving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..identity import Identity
    from ..prng import Prng
    from ..shapes import UpdateEffects
    from .budget import Budget
    from .forms import Inflate
    from .installation import Installation
    from .manifest import Board

IDLE_MS = 5_000  # without anything to fetch or to hand on
LINGER_MS = 1_500  # the same, once the release is here
ASK_MS = 1_300  # without an offer, before it makes itself heard again
# Of a board: an edge that has it goes first, and of many boards one.
LEAD_MS, DRAW_MS = 30, 150

DONE_NOTHING = 1  # nobody offers anything to this board, nobody lacks anything
DONE_WHOLE = 2  # a release is here, to be tried
DONE_STUCK = 3  # nobody answers any more
DONE_SPENT = 4  # the session took as long as it may
DONE_REFUSED = 5  # see `reason`
DONE_FAILED = 6  # the flash fails, or does not read as it was written


class Updater:
    """One session of a board whose installation has booted.

    Shape: `inflate(data, size)` returns what raw DEFLATE with a window of 4 KiB unpacks to, at
    most that many bytes, and raises ValueError for what is none.
    """

    def __init__(  # noqa: PLR0917 - its parts
        self,
        identity: "Identity",
        rng: "Prng",
        installation: "Installation",
        board: "Board",
        inflate: "Inflate",
        budget: "Budget",
    ) -> None:
        self.identity = identity
        self.installation = installation
        self.board = board
        self.intake = Intake(installation, board, running_of(installation), inflate)
        self.fetching = Fetching(rng, self.intake)
        self.serving = Serving(rng, LEAD_MS, DRAW_MS)
        self.offering = Offering(rng, identity.node, board)
        self.outcome, self._has_misread = 0, False
        self.budget = budget
        self._busy_at_ms = 0  # when there was something to do last
        self._sequence = rng.below(1 << 16)

    @property
    def reason(self) -> int:
        """Why the release that is offered is refused, 0 if it is not."""
        return self.intake.reason

    def start(self, now_ms: int, out: "UpdateEffects") -> None:
        """Begin to listen, and say what runs here."""
        self.budget.start(now_ms)
        self._busy_at_ms = now_ms
        self._ask(now_ms, out)

    def next_wake_at_ms(self) -> int:
        """Return when `on_time` has something to do."""
        first_at_ms = self.budget.ends_at_ms()
        idle_at_ms = ticks_add(self._busy_at_ms, self._idle_ms())
        asking_at_ms, serving_at_ms = self.fetching.next_at_ms, self.serving.next_at_ms
        for at_ms in (idle_at_ms, asking_at_ms, serving_at_ms, self.offering.next_at_ms):
            if at_ms >= 0 and ticks_diff(at_ms, first_at_ms) < 0:
                first_at_ms = at_ms
        return first_at_ms

    def on_frame(  # noqa: PLR0917 - as the agent's
        self,
        now_ms: int,
        link: int,
        buffer: "bytes | bytearray",
        length: int,
        rssi_dbm: int,
        out: "UpdateEffects",
    ) -> None:
        """Take in a frame; what is not of this kind is passed over."""
        if self.outcome or not HEADER_BYTES < length <= len(buffer) or buffer[0] >> 4 != VERSION:
            return
        network, source = buffer[2] << 8 | buffer[3], frame.read_source(buffer)
        if network != self.identity.network or source in (0, self.identity.node):
            return
        kind, target = buffer[1], frame.read_target(buffer)
        fields = talk.read(kind, memoryview(buffer)[HEADER_BYTES:length])
        if fields is None or target not in (BROADCAST, self.identity.node):
            return
        try:
            if kind == frame.KIND_OFFER:
                self._on_offer(now_ms, fields)
            elif kind == KIND_WANT:
                self._on_want(now_ms, fields, target != BROADCAST)
            elif kind == frame.KIND_PIECE:
                self._on_piece(now_ms, source, fields, out)
        except OSError:
            self._done(now_ms, DONE_FAILED, out)

    def on_time(self, now_ms: int, out: "UpdateEffects") -> None:
        """Ask, hand on and offer what is due, or end the session."""
        if self.outcome:
            return
        try:
            self._send(frame.KIND_PIECE, self.serving.on_time(now_ms), out)
            want = self.fetching.on_time(now_ms)
            self._send(KIND_WANT, want, out, self.fetching.asked or BROADCAST)
        except OSError:
            self._done(now_ms, DONE_FAILED, out)
            return
        if (self.fetching.is_stuck or self.reason) and self.intake.holding is None:
            self.offering.give_up()
        if self.offering.fields is None and ticks_diff(now_ms, self.offering.next_at_ms) >= 0:
            self._ask(now_ms, out)
        self._send(frame.KIND_OFFER, self.offering.on_time(now_ms, self._offered()), out)
        if self.serving.next_at_ms >= 0 or self.fetching.next_at_ms >= 0:
            self._busy_at_ms = now_ms
        if ticks_diff(now_ms, self.budget.ends_at_ms()) >= 0:
            self._done(now_ms, DONE_WHOLE if self.intake.is_whole else DONE_SPENT, out)
        elif ticks_diff(now_ms, self._busy_at_ms) >= self._idle_ms():
            self._done(now_ms, self._idle_outcome(), out)

    def _on_offer(self, now_ms: int, fields: "list[Any]") -> None:
        offering = self.offering
        floor = floor_of(self.installation, self.installation_sequence(), fields)
        is_news = offering.on_offer(now_ms, fields, floor)
        if offering.fields is None:
            return
        if not offering.is_for_us:
            self.fetching.stop()
        elif not self.intake.is_whole and (is_news or not self.reason):
            self.fetching.begin(now_ms, offering.fields)
        if is_news:
            self._busy_at_ms = now_ms

    def _on_want(self, now_ms: int, fields: "list[Any]", is_for_us: bool) -> None:
        if self.serving.on_want(now_ms, self._sources(), fields, is_for_us):
            self._busy_at_ms = now_ms
        self.fetching.on_want(now_ms, fields)

    def _on_piece(
        self, now_ms: int, source: int, fields: "list[Any]", out: "UpdateEffects"
    ) -> None:
        self.serving.on_piece(now_ms, fields)
        if not self.fetching.on_piece(now_ms, source, fields):
            return
        self._busy_at_ms = now_ms
        if self.intake.is_whole:
            self.fetching.stop()
            if self.intake.update.finish():
                self._report(now_ms, out)
            elif self._has_misread or self.offering.fields is None:
                self._done(now_ms, DONE_FAILED, out)
            else:  # it does not read back: what is lacking is fetched again, once
                self._has_misread = True
                self.fetching.begin(now_ms, self.offering.fields)

    def installation_sequence(self) -> int:
        """Return the number of the release that runs, 0 for none."""
        at = self.installation.running
        return 0 if at == RECOVERY else self.installation.slots[at].sequence

    def target_sequence(self) -> int:
        """Return the number of the release that was offered last, 0 for none."""
        return self.offering.sequence

    def _ask(self, now_ms: int, out: "UpdateEffects") -> None:
        self.offering.next_at_ms = ticks_add(now_ms, ASK_MS)
        self._report(now_ms, out)  # an edge that hears it offers what it has

    def _idle_ms(self) -> int:
        return LINGER_MS if self.intake.is_whole else IDLE_MS

    def _sources(self) -> "list[Holding]":
        return [held for held in (self.intake.holding, self.intake.running) if held is not None]

    def _offered(self) -> "Holding | None":
        # Only what was found good here is offered on, as it was offered.
        fields = self.offering.fields
        for held in self._sources():
            if fields is not None and held.digest[: talk.DIGEST_BYTES] == fields[talk.DIGEST]:
                return held
        return None

    def _idle_outcome(self) -> int:
        if self.intake.is_whole:
            return DONE_WHOLE
        if self.reason:
            return DONE_REFUSED
        return DONE_STUCK if self.fetching.is_stuck else DONE_NOTHING

    def _done(self, now_ms: int, outcome: int, out: "UpdateEffects") -> None:
        self.outcome = outcome
        self._report(now_ms, out)
        self.budget.end(now_ms, self.target_sequence())
        out.done(outcome)

    def _report(self, now_ms: int, out: "UpdateEffects") -> None:
        stage = talk.STAGE_FETCHING if self.intake.holding is not None else talk.STAGE_IDLE
        if self.reason not in NO_FAULTS:
            stage = talk.STAGE_REJECTED
        running, target = self.installation_sequence(), self.target_sequence()
        fields = [running, stage, target, self.intake.done_permille(), self.board.battery_mv]
        fields += [self.reason, self.budget.used_uah(now_ms, target)]
        self._send(KIND_REPORT, fields, out)

    def _send(
        self,
        kind: int,
        fields: "list[Any] | None",
        out: "UpdateEffects",
        target: int = BROADCAST,
    ) -> None:
        if fields is None:
            return
        made = talk.write(self.identity, kind, fields, self._sequence, target)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.budget.sent(len(made))
        out.send(LINK_ALL, made, len(made))
