"""What an agent does about releases: hand an offer on, say what runs here, and go to update.

An offer reaches who hears no edge within one window: who hears it sends it on, unless two others
did. Then it reboots into the updater, if the offer is for it; seldom, so that somebody who offers
for ever what there is not costs a known part of a battery.

Input    on_offer(now, envelope), on_time(now)
Effects  frames by the transmitter; a reboot with REBOOT_UPDATE
Bounds   one offer; a session each UPDATE_MS_MIN at most, then half as often with each that brought
         nothing, down to UPDATE_MS_MIN << _DOUBLINGS_MAX
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
_DRAW_MS = 100  # before it is handed on
_COPIES = 2
_FIELDS = 7
_KEY = b"update"  # the release, how many sessions brought nothing, and when the next may begin
_STORED_BYTES = 12
_NEVER = -1


class Offers:
    """The offer that was heard last."""

    def __init__(self, core: "Agent", rng: "Prng") -> None:
        self.due_at_ms = _NEVER
        self._core = core
        self._rng = rng
        self._offer: "list[object]" = []
        self._copies = 0
        self._is_for_us = False

    def on_offer(self, now_ms: int, envelope: "Envelope") -> int:
        """Take in an offer: 0, or why it is dropped.

        Raises: CborError (peer).
        """
        offer = decode(envelope.payload())
        if not isinstance(offer, list) or len(offer) != _FIELDS:
            return DROP_MALFORMED
        running, kind, _ = self._core.release
        sequence, nodes = offer[1], offer[6]
        if not isinstance(sequence, int) or not isinstance(nodes, list):
            return DROP_MALFORMED
        if offer == self._offer:
            self._copies += 1
            if self._is_for_us and self.due_at_ms == _NEVER:
                self.due_at_ms = ticks_add(now_ms, UPDATE_MS_MIN)  # who never sleeps tries again
        elif kind and offer[3] == kind:
            self._offer, self._copies = offer, 1
            node = self._core.identity.node
            self._is_for_us = sequence > running and (not nodes or node in nodes)
            span_ms = _DRAW_MS + self._rng.below(_DRAW_MS)
            self.due_at_ms = ticks_add(now_ms, span_ms)
            self._core.stay_awake(span_ms)
        return 0

    def on_time(self, now_ms: int) -> None:
        """Hand the offer on and answer it, if it is time to."""
        if self.due_at_ms == _NEVER or ticks_diff(self.due_at_ms, now_ms) > 0:
            return
        self.due_at_ms = _NEVER
        core = self._core
        if self._copies < _COPIES:
            core.transmitter.say(KIND_OFFER, self._offer, BROADCAST, LINK_ALL)
        if self._is_for_us and self._may_update(now_ms):
            core.reboot(REBOOT_UPDATE)
            return
        running, _, stage = core.release
        report = [running, stage, running, 1000, core.governor.battery_mv, 0, 0]
        core.transmitter.say(KIND_REPORT, report, BROADCAST, LINK_ALL)

    def _may_update(self, now_ms: int) -> bool:
        core, running, tries = self._core, self._core.release[0], 0
        try:
            stored = core.table.get(_KEY)
        except OSError:
            return False  # what cannot be counted is not begun
        if core.keeper.has_failed:
            return False
        if stored is not None and len(stored) == _STORED_BYTES and read_word(stored, 0) == running:
            tries = read_word(stored, 4)
            left_ms = ticks_diff(read_word(stored, 8), now_ms)
            # After a loss of power the clock began anew: what lies further ahead is of before.
            if 0 < left_ms <= _pause_ms(tries - 1):
                return False
        record = bytearray(_STORED_BYTES)
        write_word(record, 0, running)
        write_word(record, 4, tries + 1)
        write_word(record, 8, ticks_add(now_ms, _pause_ms(tries)))
        core.table.put(_KEY, bytes(record))
        core.keeper.on_staged()
        return True


def _pause_ms(tries: int) -> int:
    return UPDATE_MS_MIN << max(0, min(tries, _DOUBLINGS_MAX))
