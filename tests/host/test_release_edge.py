"""An edge: whom it offers what, when, and what it hands on."""

from cma_toolkit.firmware.kernel.codec.frame import (
    BROADCAST,
    KIND_ANNOUNCE,
    KIND_OFFER,
    KIND_PIECE,
    KIND_WANT,
    write_header,
)
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.host_tools.release.edge import AWAKE_MS, OFFER_MS, Edge, Offered
from support.updating import changed, image, part_of, published

OLD = image(1)
RELEASE = published(part_of(changed(OLD), 2), [OLD])
BOARD = Identity("board", 7, 1, "")


class Air:
    """An edge, and what it sends."""

    def __init__(self, network: int = 1) -> None:
        self.edge = Edge(Identity("edge", 9, network, ""), Prng(1), lambda report: None)
        self.sent: list[tuple[int, bytes]] = []
        self.now_ms = 1_000
        self.edge.start(self.now_ms, self)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        self.sent.append((self.now_ms, bytes(buffer[:length])))

    def hear(self, frame: bytes) -> None:
        self.edge.on_frame(self.now_ms, 0, frame, len(frame), 0, self)

    def wait(self, span_ms: int) -> list[tuple[int, int]]:
        """Let time pass; return when which kinds were sent."""
        end_ms, before = self.now_ms + span_ms, len(self.sent)
        while self.edge.next_wake_at_ms() < end_ms:
            self.now_ms = max(self.now_ms, self.edge.next_wake_at_ms())
            self.edge.on_time(self.now_ms, self)
        self.now_ms = end_ms
        return [(at_ms, frame[1]) for at_ms, frame in self.sent[before:]]


def announcement() -> bytes:
    frame = bytearray(20)
    write_header(frame, KIND_ANNOUNCE, 1, 7, BROADCAST, 1)
    return bytes(frame)


def want(part: int, target: int = BROADCAST) -> bytes:
    return bytes(talk.write(BOARD, KIND_WANT, [RELEASE.tag, 0, [part, 1]], 1, target))


def test_who_wakes_is_offered_what_there_is_at_once() -> None:
    air = Air()
    air.edge.offer(1, [Offered(RELEASE)])
    air.wait(OFFER_MS // 2)
    heard_ms = air.now_ms
    air.hear(announcement())
    (first, *_) = air.wait(OFFER_MS // 2)
    assert first == (heard_ms + AWAKE_MS, KIND_OFFER)


def test_without_anything_to_offer_it_is_silent() -> None:
    air = Air()
    air.hear(announcement())
    assert air.wait(3 * OFFER_MS) == []
    air.edge.offer(1, [Offered(RELEASE)])
    assert len(air.wait(3 * OFFER_MS)) == 3
    air.edge.offer(2, [])
    air.hear(want(0))
    assert air.wait(3 * OFFER_MS) == []


def test_many_boards_are_named_in_as_many_frames_as_it_takes() -> None:
    air = Air()
    nodes = tuple(range(100, 180))
    air.edge.offer(5, [Offered(RELEASE, nodes)])
    air.wait(OFFER_MS)
    offers = [talk.read(KIND_OFFER, frame[14:]) for _, frame in air.sent]
    named = [node for offer in offers for node in offer[talk.NODES]]
    assert named == list(nodes) and {offer[talk.GENERATION] for offer in offers} == {5}


def test_only_what_is_for_it_and_of_its_network_is_answered() -> None:
    air = Air()
    air.edge.offer(1, [Offered(RELEASE)])
    air.hear(want(0))
    assert (KIND_PIECE in {kind for _, kind in air.wait(100)}) is True
    for frame in (want(0, 33), want(0)[:-1], b"", want(200)):
        air.hear(frame)
        assert KIND_PIECE not in {kind for _, kind in air.wait(100)}
    other = Air(network=2)
    other.edge.offer(1, [Offered(RELEASE)])
    other.hear(want(0))
    assert KIND_PIECE not in {kind for _, kind in other.wait(100)}
