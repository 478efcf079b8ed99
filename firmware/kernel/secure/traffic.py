"""What leaves is sealed, or waits for a session; what comes is opened, or has its sender called.

What does not open may be sealed with keys that we lost, or that are newer than ours: so whoever
sent it is called, seldom, since anybody can send such a frame in anybody's name.

Input    send and open, in the buffer of a frame; those of `calls`
Effects  those of `shapes.CallSink`
Bounds   WAITING_MAX frames, WAITING_EACH for one node; PROVOKED_MAX calls at once for frames that
         do not open, and one each PROVOKED_MS
Source   SPEC.md, "Calls"
"""

from ..codec.frame import BROADCAST, read_source, read_target
from ..limits import FRAME_BYTES_MAX, HEADER_BYTES
from .call import Call
from .calls import Calls
from .holdings import Holdings
from .quarantine import FORGED, KIND_PROVEN, PROVOKED, REPLAYED
from .session import REFUSED_FORGED, REFUSED_NO_KEY, REFUSED_REPLAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import CallSink

WAITING_MAX, WAITING_EACH = 4, 2

REFUSED_ASIDE = -8  # beside those of `session`: whoever sent it is put aside


class Traffic(Calls):
    """The protected frames of one node.

    Units: `dropped` frames that found no room, or waited in vain.
    """

    def __init__(self, node: int, holdings: Holdings) -> None:
        super().__init__(node, holdings)
        self.dropped = 0
        self._waiting: "list[bytearray]" = []

    def send(self, now_ms: int, frame: bytearray, length: int, out: "CallSink") -> int:
        """Seal a frame and send it; without a session it waits, and its target is called.

        Returns: its length, 0 if it waits, or why it is dropped, as `Protection.seal`.
        """
        end = self.holdings.protection.seal(frame, length)
        if end > 0:
            out.sealed(frame, end)
            return end
        target = read_target(frame)
        if end == REFUSED_NO_KEY and target != BROADCAST and self.call(now_ms, target, out):
            held = [read_target(each) for each in self._waiting]
            if len(held) < WAITING_MAX and held.count(target) < WAITING_EACH:
                self._waiting.append(frame[:length])
                return 0
        self.dropped += 1
        return end

    def open(self, now_ms: int, frame: bytearray, length: int, out: "CallSink") -> int:
        """Open a frame, as `Protection.open`; call whoever sent one that does not open."""
        source = read_source(frame) if length > HEADER_BYTES else 0
        if self.quarantine.is_aside(now_ms, source, KIND_PROVEN):
            return REFUSED_ASIDE
        end = self.holdings.protection.open(frame, length)
        if end in (REFUSED_FORGED, REFUSED_REPLAY):
            what = FORGED if end == REFUSED_FORGED else REPLAYED
            self.quarantine.blame(now_ms, source, what, out)
        if (
            end in (REFUSED_FORGED, REFUSED_NO_KEY)
            and read_target(frame) == self.node
            and not self.find(source, True)
            and self.quarantine.spend(now_ms, PROVOKED, 1)
        ):
            self.call(now_ms, source, out)
        return end

    def join(self, now_ms: int, call: Call, out: "CallSink") -> None:
        """Send what waited for a session."""
        super().join(now_ms, call, out)
        held, self._waiting = self._waiting, []
        for frame in held:
            if read_target(frame) != call.peer:
                self._waiting.append(frame)
                continue
            room = bytearray(FRAME_BYTES_MAX)
            room[: len(frame)] = frame
            self.send(now_ms, room, len(frame), out)

    def give_up(self, peer: int, out: "CallSink") -> None:
        """Drop what waited for a session in vain."""
        left = [frame for frame in self._waiting if read_target(frame) != peer]
        self.dropped += len(self._waiting) - len(left)
        self._waiting = left
        super().give_up(peer, out)
