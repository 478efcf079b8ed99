"""What an agent does about releases: hand an offer on, say what runs here, and go to update.

An offer reaches who hears no edge within one window: who hears it sends it on at once, before the
others sleep, unless two others did. Then it reboots into the updater, if the offer is for it;
seldom, so that somebody who offers for ever what there is not costs a known part of a battery.
Who found nobody there names itself alone the next time: of those who run that release already
one or two go with it, as seldom.

Input    on_offer(now, envelope), on_time(now)
Effects  frames by the transmitter; a reboot with REBOOT_UPDATE
Bounds   one offer, _FRAMES_MAX of its frames, _OFFERS_MAX new ones in _WINDOW_MS; a session each
         UPDATE_MS_MIN at most, then half as often with each that brought nothing, down to
         UPDATE_MS_MIN << _DOUBLINGS_MAX; as many to help
Source   SPEC.md, "Releases on the air"
"""

from .codec.cbor import decode
from .codec.frame import BROADCAST, KIND_OFFER, KIND_REPORT
from .effects import LINK_ALL
from .errors import DROP_MALFORMED, REBOOT_UPDATE
from .fields import read_word, write_word
from .ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent
    from .codec.messages import Envelope
    from .prng import Prng

UPDATE_MS_MIN = 600_000
_DOUBLINGS_MAX = 6  # 10.7 hours
_DRAW_MS = 2  # before it is handed on, and for each two neighbours one more
_HELP_MS = 120  # who helps is the first to say so: time for the others to hear it
_LEAVE_MS = 20  # until what was said is on the air
_COPIES = 2
_FIELDS, _NODES = 7, 6
_TRIAL, _CONFIRMED = 2, 3  # stages of `release.talk`, which is in no image; a test holds to that
_OFFERS_MAX, _WINDOW_MS = 4, 10_000  # so many in such a while: each is answered
_FRAMES_MAX = 32  # of one offer: it names a thousand boards
# The release, how many sessions brought nothing, and when the next may begin: its own, or to help
_KEY, _HELP_KEY = b"update", b"help"
_STORED_BYTES = 12
_NEVER = -1


class Offers:
    """The offer that was heard last."""

    def __init__(self, core: "Agent", rng: "Prng") -> None:
        self.due_at_ms = _NEVER
        self._core = core
        self._rng = rng
        self._offer: "list[object]" = []
        self._known: "list[object]" = []  # of its frames, the first board of each
        self._copies = self._source = 0  # who sent it, and who of them last
        self._taken = self._since_ms = 0  # how many offers, and from when on
        self._is_for_us = self._is_asked = self._is_leaving = False

    def on_offer(self, now_ms: int, envelope: "Envelope") -> int:
        """Take in an offer: 0, or why it is dropped.

        Raises: CborError (peer).
        """
        if self._is_leaving:
            return 0
        offer = decode(envelope.payload())
        if not isinstance(offer, list) or len(offer) != _FIELDS:
            return DROP_MALFORMED
        running, kind, stage = self._core.release
        sequence, nodes = offer[1], offer[6]
        if not isinstance(sequence, int) or not isinstance(nodes, list):
            return DROP_MALFORMED
        is_asked = nodes == [envelope.source] and sequence == running and stage == _CONFIRMED
        is_named = self._core.identity.node in nodes
        # On trial it would lose what it has shown of its health, at whoever's word.
        is_for_us = stage != _TRIAL and (is_named or (not nodes and sequence > running))
        # Named, an updater looks at an older one too: what runs may be of keys that are revoked.
        is_for_us &= sequence != running
        # One offer takes several frames if it names many; they are told apart by whom they begin
        # with, so that each is handed on once.
        is_same, known = offer[:_NODES] == self._offer[:_NODES], self._known
        first = nodes[0] if nodes and isinstance(nodes[0], int) else 0
        is_known = is_same and (first in known or len(known) == _FRAMES_MAX)
        if is_known and not is_asked and (self._is_for_us or not is_for_us):
            self._copies += offer == self._offer and envelope.source != self._source
            if self._is_for_us and self.due_at_ms == _NEVER:
                self.due_at_ms = ticks_add(now_ms, UPDATE_MS_MIN)  # who never sleeps tries again
        elif kind and (offer[3] == kind or is_named) and self._is_among_few(now_ms):
            if not is_same:
                known = self._known = []
                self._is_for_us = False
            if len(known) < _FRAMES_MAX:
                known.append(first)
            self._offer, self._copies = offer, 1
            self._is_for_us |= is_for_us
            self._is_asked = is_asked
            self._draw(now_ms, _HELP_MS if is_asked else self._core.neighbours.count >> 1)
        self._source = envelope.source
        return 0

    def on_time(self, now_ms: int) -> None:
        """Hand the offer on and answer it, if it is time to."""
        if self.due_at_ms == _NEVER or ticks_diff(self.due_at_ms, now_ms) > 0:
            return
        self.due_at_ms = _NEVER
        core = self._core
        if self._is_leaving:
            core.reboot(REBOOT_UPDATE)
            return
        is_heard, tries = self._copies < _COPIES, 0
        running, _, stage = core.release
        if self._is_for_us or (self._is_asked and is_heard):
            tries = self._begin(now_ms, _KEY if self._is_for_us else _HELP_KEY)
        offer, alone = self._offer, [core.identity.node]
        if self._is_for_us and tries > 1:
            offer, is_heard = offer[:_NODES] + [alone], True
        elif offer[_NODES] == alone:
            is_heard = False  # nobody else is meant
        if is_heard:
            core.transmitter.say(KIND_OFFER, offer, BROADCAST, LINK_ALL)
        if tries:
            self._is_leaving = True
            self._wait(now_ms, _LEAVE_MS)
            return
        report = [running, stage, running, 1000, core.governor.battery_mv, 0, 0]
        core.transmitter.say(KIND_REPORT, report, BROADCAST, LINK_ALL)

    def _is_among_few(self, now_ms: int) -> bool:
        if not 0 <= ticks_diff(now_ms, self._since_ms) < _WINDOW_MS:
            self._taken, self._since_ms = 0, now_ms
        self._taken += 1
        return self._taken <= _OFFERS_MAX

    def _draw(self, now_ms: int, more_ms: int) -> None:
        """Hand the offer on soon: of many in reach the first two, before those who sleep do."""
        self._wait(now_ms, 1 + self._rng.below(_DRAW_MS + more_ms))

    def _wait(self, now_ms: int, span_ms: int) -> None:
        self.due_at_ms = ticks_add(now_ms, span_ms)
        self._core.stay_awake(span_ms)

    def _begin(self, now_ms: int, key: bytes) -> int:
        """Note a session that is to begin; return the how maniest in vain it is, 0: not yet."""
        core, running, tries = self._core, self._core.release[0], 0
        try:
            stored = core.table.get(key)
        except OSError:
            return 0  # what cannot be counted is not begun
        if core.keeper.has_failed:
            return 0
        if stored is not None and len(stored) == _STORED_BYTES and read_word(stored, 0) == running:
            tries = read_word(stored, 4)
            left_ms = ticks_diff(read_word(stored, 8), now_ms)
            # After a loss of power the clock began anew: what lies further ahead is of before.
            if 0 < left_ms <= _pause_ms(tries - 1):
                return 0
        record = bytearray(_STORED_BYTES)
        write_word(record, 0, running)
        write_word(record, 4, tries + 1)
        write_word(record, 8, ticks_add(now_ms, _pause_ms(tries)))
        core.table.put(key, bytes(record))
        core.keeper.on_staged()
        return tries + 1


def _pause_ms(tries: int) -> int:
    return UPDATE_MS_MIN << max(0, min(tries, _DOUBLINGS_MAX))
