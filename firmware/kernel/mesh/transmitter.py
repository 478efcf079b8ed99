"""Everything an agent says: makes frames, holds them, and numbers them when they leave.

Input    one method per kind of frame, flush(out)
Effects  out.send(link, buffer, length)
Bounds   OUTBOX_FRAMES_MAX; only the encoding of an application's value allocates, and for one that
         is cut into fragments a buffer of MESSAGE_BYTES_MAX meanwhile
"""

from struct import pack_into

from ..codec import cbor, frame, messages
from ..codec.frame import write_header
from ..codec.spans import read_short, write_short
from ..codec.templates import write_telemetry
from ..effects import LINK_ALL
from ..errors import DROP_FULL
from ..limits import FRAME_BYTES_MAX, HEADER_BYTES, MESSAGE_BYTES_MAX
from ..prng import Prng
from .outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..identity import Identity
    from ..shapes import DropCounter, FrameSink

_FRAME = "%ds" % FRAME_BYTES_MAX


class Transmitter:
    """The sending half of an agent; `is_open` is false while the radio is off."""

    SNAPSHOT_BYTES = 6

    def __init__(
        self,
        identity: "Identity",
        rng: Prng,
        meters: "DropCounter",
    ) -> None:
        self.is_open = True
        self.outbox = Outbox(meters)
        self._identity = identity
        self._meters = meters
        # To one node and to all are numbered apart: a neighbour sees gaps in its own frames only.
        # The start is random, so that a restart is a jump and not a repetition.
        self._sequences = [rng.below(0x10000), rng.below(0x10000)]
        self._number = rng.below(0xFFFF)  # of the last message in fragments
        self._introduction = b""

    def waiting(self) -> int:
        """Return how many frames `flush` would send now."""
        return self.outbox.count if self.is_open else 0

    def held(self) -> int:
        """Return how many frames wait, with the radio on or off."""
        return self.outbox.count

    def flush(self, out: "FrameSink") -> int:
        """Send what waits, the most urgent first, unless the radio is off; return how many."""
        if not self.is_open or not self.outbox.count:
            return 0
        return self.outbox.flush(self._sequences, out)

    def drop_application(self, reason: int) -> None:
        """Drop what the application said and what has not left yet."""
        self.outbox.drop_application(reason)

    def introduce(self, boots: int) -> None:
        """Prepare the announcements of this boot."""
        identity = self._identity
        self._introduction = messages.announcement_head(identity.name, boots, identity.board)

    def announce(
        self, wake_period_ms: int = 0, phase_ms: int = messages.NO_PHASE, leader: int = 0
    ) -> bool:
        """Make this agent, and when it wakes, known to all in reach; False if it was dropped."""
        buffer, head = self.outbox.spare, self._introduction
        length = messages.write_announcement(buffer, head, wake_period_ms, phase_ms, leader)
        return self._commit(frame.KIND_ANNOUNCE, frame.BROADCAST, LINK_ALL, length)

    def pong(self, target: int, link: int, ping: "bytes | bytearray", length: int) -> bool:
        """Answer a ping with its own payload; False if it was dropped."""
        # The whole frame, header and all: nothing else copies so many bytes without allocating.
        pack_into(_FRAME, self.outbox.spare, 0, ping)
        return self._commit(frame.KIND_PONG, target, link, length)

    def telemetry(self, figures: "list[int]") -> bool:
        """Send figures to all in reach; False if they were dropped."""
        length = write_telemetry(self.outbox.spare, HEADER_BYTES, figures)
        return self._commit(frame.KIND_TELEMETRY, frame.BROADCAST, LINK_ALL, length)

    def message(self, topic: str, value: object, target: int, link: int) -> bool:
        """Send a value on a topic; False if it was dropped.

        Raises: CborError if the value has no encoding or takes more than MESSAGE_BYTES_MAX.
        """
        messages.check_topic(topic)
        return self.say(frame.KIND_MESSAGE, (topic, value), target, link)

    def request(self, correlation: int, topic: str, value: object, target: int, link: int) -> bool:
        """Ask one node; False if it was dropped. Raises: as `message`."""
        messages.check_topic(topic)
        return self.say(frame.KIND_REQUEST, (correlation, topic, value), target, link)

    def respond(self, envelope: messages.Envelope, status: int, value: object) -> bool:
        """Answer a request; False if the answer was dropped. Raises: as `message`."""
        fields = (envelope.correlation, status, value)
        return self.say(frame.KIND_RESPONSE, fields, envelope.source, envelope.link)

    def say(self, kind: int, fields: "Sequence[object]", target: int, link: int) -> bool:
        """Send fields as the payload of a kind; False if they were dropped.

        Raises: as `message`.
        """
        try:
            length = cbor.write_into(self.outbox.spare, HEADER_BYTES, fields)
        except cbor.CborError:
            return self._say_in_fragments(kind, fields, target, link)
        return self._commit(kind, target, link, length)

    def _say_in_fragments(
        self, kind: int, fields: "Sequence[object]", target: int, link: int
    ) -> bool:
        try:
            from ..codec.fragments import count_of, write_fragment

            whole = bytearray(MESSAGE_BYTES_MAX)
        except MemoryError:
            self._meters.drop(DROP_FULL, kind)
            return False
        size = cbor.write_into(whole, 0, fields)
        count = count_of(size)
        if not self.outbox.make_room(kind, count):
            return False
        self._number = self._number % 0xFFFF + 1
        for index in range(count):
            buffer = self.outbox.spare
            length = write_fragment(buffer, HEADER_BYTES, self._number, index, kind, whole, size)
            identity = self._identity
            write_header(buffer, frame.KIND_FRAGMENT, identity.network, identity.node, target, 0)
            self.outbox.commit(kind, target, link, length, self._number)
        return True

    def _commit(self, kind: int, target: int, link: int, length: int) -> bool:
        outbox, identity = self.outbox, self._identity
        write_header(outbox.spare, kind, identity.network, identity.node, target, 0)
        return outbox.commit(kind, target, link, length)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what deep sleep must not forget: the numbers in use."""
        offset = write_short(buffer, offset, self._sequences[0])
        offset = write_short(buffer, offset, self._sequences[1])
        return write_short(buffer, offset, self._number)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Go on from the numbers that were saved."""
        self._sequences[0] = read_short(buffer, offset)
        self._sequences[1] = read_short(buffer, offset + 2)
        self._number = read_short(buffer, offset + 4)
        return offset + self.SNAPSHOT_BYTES
