"""Everything an agent says: makes frames, numbers them, and holds them until the step ends.

Input    one method per kind of frame, flush(out)
Effects  out.send(link, buffer, length)
Bounds   OUTBOX_FRAMES_MAX; all but the encoding of a message allocates nothing
"""

from .codec import frame, messages
from .effects import LINK_ALL, Effects
from .health import meters
from .identity import Identity
from .limits import HEADER_BYTES
from .mesh.outbox import Outbox
from .prng import Prng


class Transmitter:
    """The sending half of an agent."""

    def __init__(self, identity: Identity, rng: Prng, counters: meters.Meters) -> None:
        self._identity = identity
        self._meters = counters
        self._outbox = Outbox()
        # To one node and to all are numbered apart: a neighbour sees gaps in its own frames only.
        # The start is random, so that a restart is a jump and not a repetition.
        self._sequences = [rng.below(0x10000), rng.below(0x10000)]
        self._announcement = b""

    def waiting(self) -> int:
        """Return how many frames wait to be sent."""
        return self._outbox.count

    def flush(self, out: Effects) -> None:
        """Send what waits."""
        self._outbox.flush(out)

    def introduce(self, boots: int) -> None:
        """Prepare the announcement of this boot."""
        identity = self._identity
        self._announcement = messages.announcement(identity.name, boots, identity.board)

    def announce(self) -> bool:
        """Make this agent known to all in reach; False if the outbox is full."""
        if not self._has_room():
            return False
        return self._copy(frame.KIND_ANNOUNCE, frame.BROADCAST, LINK_ALL, self._announcement)

    def pong(self, target: int, link: int, payload: memoryview) -> bool:
        """Answer a ping with its own payload; False if the outbox is full."""
        return self._has_room() and self._copy(frame.KIND_PONG, target, link, payload)

    def message(self, topic: str, value: object, target: int, link: int) -> bool:
        """Send a value on a topic; False if the outbox is full.

        Raises: CborError if the value has no encoding or does not fit one frame.
        """
        if not self._has_room():
            return False
        length = messages.write_message(self._outbox.claim(), topic, value)
        return self._commit(frame.KIND_MESSAGE, target, link, length)

    def telemetry(self, figures: "list[int]") -> bool:
        """Send figures to all in reach; False if the outbox is full."""
        if not self._has_room():
            return False
        length = messages.write_telemetry(self._outbox.claim(), figures)
        return self._commit(frame.KIND_TELEMETRY, frame.BROADCAST, LINK_ALL, length)

    def _has_room(self) -> bool:
        if self._outbox.is_full():
            self._meters.add(meters.DROPPED_FULL)
            return False
        return True

    def _copy(self, kind: int, target: int, link: int, payload: "bytes | memoryview") -> bool:
        buffer = self._outbox.claim()
        # Byte by byte: a slice would allocate.
        for index in range(len(payload)):
            buffer[HEADER_BYTES + index] = payload[index]
        return self._commit(kind, target, link, HEADER_BYTES + len(payload))

    def _commit(self, kind: int, target: int, link: int, length: int) -> bool:
        cast = 1 if target == frame.BROADCAST else 0
        sequence = self._sequences[cast]
        self._sequences[cast] = (sequence + 1) & 0xFFFF
        node, network = self._identity.node, self._identity.network
        frame.write_header(self._outbox.claim(), kind, network, node, target, sequence)
        self._outbox.commit(link, length)
        self._meters.add(meters.SENT)
        return True
