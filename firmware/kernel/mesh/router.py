"""What a frame is for: judges it, joins fragments, hands messages to the handler of their kind.

One hop: what is for another node is dropped. A later version forwards here what still has hops.

Input    on_frame(now, link, buffer, length, rssi, out), on_time(now)
Effects  out.report(EVENT_FRAGMENT_CONFLICT, id); `joined` tells of a new neighbour
Bounds   one message at a time; before a handler asks for a value, nothing is allocated but what is
         kept: buffers for fragments, rows for more neighbours, places for more pongs
"""

from ..codec import frame
from ..codec.cbor import CborError
from ..codec.messages import Envelope
from ..errors import (
    DROP_DUPLICATE,
    DROP_ECHO,
    DROP_FOREIGN,
    DROP_FRAGMENT_CONFLICT,
    DROP_FRAGMENT_FULL,
    DROP_FRAGMENT_INCOMPLETE,
    DROP_FULL,
    DROP_MALFORMED,
    DROP_OTHER_TARGET,
    DROP_QUOTA,
    EVENT_FRAGMENT_CONFLICT,
)
from ..limits import HEADER_BYTES, PING_BYTES_MAX, QUOTA_ALARMS, QUOTA_IN, Quotas
from .neighbours import Neighbours
from .transmitter import Transmitter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.fragments import Fragments
    from ..effects import Effects
    from ..identity import Identity
    from ..shapes import DropCounter, FrameHandler


class Router:
    """The receiving half of an agent; `handlers` has a place for each kind of frame.

    A handler gets the time and an envelope that is valid until it returns; it returns 0 or the
    reason why it drops the message. A kind without handler is received and ignored.
    """

    def __init__(
        self,
        identity: "Identity",
        neighbours: Neighbours,
        transmitter: Transmitter,
        meters: "DropCounter",
        quotas: Quotas,
    ) -> None:
        self.joined = 0  # the node that the last frame brought into the table, 0 if none
        self.handlers: "list[FrameHandler | None]" = [None] * (frame.KIND_LAST + 1)
        self._identity = identity
        self._neighbours = neighbours
        self._transmitter = transmitter
        self._meters = meters
        self._quotas = quotas
        self._fragments: "Fragments | None" = None  # until the first fragment comes
        self._envelope = Envelope()

    def on_frame(  # noqa: PLR0911, PLR0917 - one return per reason; keywords cost a board more
        self,
        now_ms: int,
        link: int,
        buffer: "bytes | bytearray",
        length: int,
        rssi_dbm: int,
        out: "Effects",
    ) -> int:
        """Take in a frame: 0, or the reason why it is dropped; it cannot do harm.

        Units: `rssi_dbm` is 0 where the link does not measure it.
        """
        identity, near = self._identity, self._neighbours
        self.joined = 0
        if not frame.is_frame(buffer, length):
            return DROP_MALFORMED
        source, target, kind = frame.read_source(buffer), frame.read_target(buffer), buffer[1]
        if not 0 < source < frame.BROADCAST or not target:
            return DROP_MALFORMED
        if buffer[2] << 8 | buffer[3] != identity.network:
            return DROP_FOREIGN
        if source == identity.node:
            return DROP_ECHO
        is_broadcast = target == frame.BROADCAST
        if not is_broadcast and target != identity.node:
            return DROP_OTHER_TARGET
        # Before the table is touched: a flood from made-up ids costs no row.
        row = near.find(source)
        if not self._quotas.take(now_ms, QUOTA_IN, 1, row):
            return DROP_QUOTA
        row = near.hear(now_ms, source, link, rssi_dbm, row)
        if near.joined:
            self.joined = source
        if not near.accept(row, buffer[12] << 8 | buffer[13], is_broadcast):
            return DROP_DUPLICATE
        if kind == frame.KIND_PING:
            return self._answer(source, link, buffer, length)
        envelope = self._envelope
        envelope.is_broadcast, envelope.row = is_broadcast, row
        envelope.source, envelope.link = source, link
        if kind == frame.KIND_FRAGMENT:
            return self._join(now_ms, buffer, length, out)
        return self._deliver(now_ms, kind, buffer, HEADER_BYTES, length)

    def on_time(self, now_ms: int) -> None:
        """Give up messages whose fragments stay away."""
        if self._fragments:
            self._fragments.expire(now_ms)
            self._count_incomplete(self._fragments)

    def next_at_ms(self, now_ms: int) -> int:
        """Return when `on_time` has something to do, -1 if never."""
        return self._fragments.next_at_ms(now_ms) if self._fragments else -1

    def _answer(self, source: int, link: int, ping: "bytes | bytearray", length: int) -> int:
        if length > HEADER_BYTES + PING_BYTES_MAX:
            return DROP_MALFORMED
        self._transmitter.pong(source, link, ping, length)
        return 0

    def _join(self, now_ms: int, buffer: "bytes | bytearray", length: int, out: "Effects") -> int:
        fragments, source = self._fragments or self._load_fragments(), self._envelope.source
        if not fragments:
            return DROP_FRAGMENT_FULL
        result = fragments.take(now_ms, source, buffer, HEADER_BYTES, length)
        self._count_incomplete(fragments)
        if result < 0:  # complete
            size = fragments.length
            result = self._deliver(now_ms, fragments.kind, fragments.buffer, 0, size)
            fragments.release()
        elif result == DROP_FRAGMENT_CONFLICT and self._quotas.take(now_ms, QUOTA_ALARMS, 1):
            out.report(EVENT_FRAGMENT_CONFLICT, source)
        return result

    def _load_fragments(self) -> "Fragments | None":
        try:
            from ..codec.fragments import Fragments

            self._fragments = Fragments()
        except MemoryError:
            pass
        return self._fragments

    def _deliver(
        self, now_ms: int, kind: int, buffer: "bytes | bytearray", start: int, end: int
    ) -> int:
        if not self._envelope.open(kind, buffer, start, end):
            return DROP_MALFORMED
        handler = self.handlers[kind]
        if handler is None:
            return 0
        try:
            return handler(now_ms, self._envelope)
        except CborError:
            return DROP_MALFORMED
        except MemoryError:  # a value that a peer made as large as it may be
            return DROP_FULL

    def _count_incomplete(self, fragments: "Fragments") -> None:
        if fragments.incomplete:
            self._meters.drop(DROP_FRAGMENT_INCOMPLETE, frame.KIND_FRAGMENT)
            fragments.incomplete -= 1
