"""An edge that hears frames, and what it notes of who sends them; then it serves who asks."""

from fuzz.records import record, records

from cma_toolkit.firmware.kernel.codec.cbor import encode
from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, KIND_PIECE, KIND_WANT, write_header
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.host_tools.release import edge, listening
from support.updating import changed, image, part_of, published

MODULES = (
    "cma_toolkit.host_tools.release.edge",
    "cma_toolkit.host_tools.release.listening",
    "cma_toolkit.firmware.kernel.release.serving",
)
_HEAD_BYTES = 3
_RECORDS_MAX = 24
_OLD = image(1, 9_000)
_RELEASE = published(part_of(changed(_OLD), 2), [_OLD])
_NODE, _NETWORK = 9, 1


class Sink:
    """What the edge sends."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Keep a frame."""
        self.frames.append(bytes(buffer[:length]))


def _frame(kind: int, source: int, target: int, number: int, payload: bytes) -> bytes:
    buffer = bytearray(HEADER_BYTES) + payload[: FRAME_BYTES_MAX - HEADER_BYTES]
    write_header(buffer, kind, _NETWORK, source, target, number)
    return bytes(buffer)


def seeds() -> list[bytes]:
    """Return what boards say to an edge."""
    said = [
        (1, encode({1: "b", 2: 3, 3: "board"})),
        (5, encode({key: 65_536 + key for key in range(1, 16)})),
        (10, encode([_RELEASE.tag, 0, [0, 3, 64, 1]])),
        (10, encode([_RELEASE.tag, _RELEASE.bases[0], [1, 1, 65, 2]])),
        (11, encode([_RELEASE.tag, 0, 0, 205, 0, bytes(205)])),
        (12, encode([1, 1, 2, 500, 3300, 0, 7])),
    ]
    talks = [record(bytes((9, 0x81, kind)), body) for kind, body in said]
    return [b"".join(talks), *talks, record(b"\x00\x00\x00", _frame(1, 7, BROADCAST, 1, b"\xa0"))]


def take(data: bytes) -> bytes:
    """Return what the edge sent."""
    reports: list[edge.Report] = []
    machine = edge.Edge(Identity("edge", _NODE, _NETWORK, ""), Prng(1), reports.append)
    out, now_ms = Sink(), 1_000
    machine.start(now_ms, out)
    machine.offer(1, [edge.Offered(_RELEASE)])
    for number, (head, body) in enumerate(records(data, _HEAD_BYTES)):
        if number == _RECORDS_MAX:
            break
        now_ms += 4 * head[0]
        target = _NODE if head[1] & 0x40 else BROADCAST
        heard = _frame(head[2], 1 + head[1] % 16, target, number, body) if head[1] & 0x80 else body
        machine.on_frame(now_ms, 0, heard, len(heard), 0, out)
        machine.on_time(now_ms, out)
    for heard_of in machine.listening.take():
        assert -1 <= heard_of.loss_permille <= 1_000
        assert len(heard_of.asked) <= listening.ASKED_MAX
    _serves(machine, out, now_ms)
    return b"".join(out.frames)


def _serves(machine: edge.Edge, out: Sink, now_ms: int) -> None:
    # Whatever is asked for already is served first.
    want = talk.write(
        Identity("b", 7, _NETWORK, ""), KIND_WANT, [_RELEASE.tag, 0, [64, 1]], 9, _NODE
    )
    machine.on_frame(now_ms, 0, bytes(want), len(want), 0, out)
    for _ in range(40 * 24):
        now_ms = max(now_ms + 1, machine.next_wake_at_ms())
        before = len(out.frames)
        machine.on_time(now_ms, out)
        for data in out.frames[before:]:
            fields = talk.read(data[1], data[HEADER_BYTES:])
            if data[1] == KIND_PIECE and fields and fields[2] == 64:
                return
    raise AssertionError("it serves no more")
