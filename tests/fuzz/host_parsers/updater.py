"""A board that updates and hears frames, raw or with a header that is right.

A record's head: how long after the last one; who sends it, to whom, and whether its header is
made right; its kind.
"""

from fuzz.records import record, records

from cma_toolkit.firmware.kernel.codec.cbor import encode
from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, write_header
from cma_toolkit.firmware.kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from cma_toolkit.firmware.kernel.release import layout
from support.updating import NETWORK, SECTORS, UpdatingBoard, changed, image, part_of, published

MODULES = (
    "cma_toolkit.firmware.kernel.release.updater",
    "cma_toolkit.firmware.kernel.release.gathering",
    "cma_toolkit.firmware.kernel.release.offering",
    "cma_toolkit.firmware.kernel.release.fetching",
    "cma_toolkit.firmware.kernel.release.intake",
)
_HEAD_BYTES = 3
_RECORDS_MAX = 24
_OLD = image(1, 9_000)
_RELEASE = published(part_of(changed(_OLD), 2), [_OLD])
_MANIFEST = _RELEASE.part.manifest
_NODE = 7
_BOARD = UpdatingBoard(_NODE, _OLD)
_SECTORS = [bytes(sector) for sector in _BOARD.flash._sectors]


class Sink:
    """What the board sends, and how its session ends."""

    def __init__(self) -> None:
        self.sent, self.outcome = 0, 0

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Count a frame."""
        assert HEADER_BYTES < length <= FRAME_BYTES_MAX
        self.sent += 1

    def done(self, outcome: int) -> None:
        """Take the end."""
        self.outcome = outcome


def _offer(nodes: list[int]) -> bytes:
    numbers = [_RELEASE.class_tag, _RELEASE.root, _RELEASE.bases]
    return encode([1, _MANIFEST.sequence, _RELEASE.digest, *numbers, nodes])


def _pieces(part: int, base: int = 0) -> list[bytes]:
    coded = _RELEASE.coded(part, base)
    assert coded
    form, data = coded
    cut = [data[at : at + 205] for at in range(0, len(data), 205)]
    return [
        encode([_RELEASE.tag, form, part, len(data), index, piece])
        for index, piece in enumerate(cut)
    ]


def seeds() -> list[bytes]:
    """Return a session up to its first block, and single frames of every kind."""
    said = [(9, _offer([])), *((11, each) for part in (129, 66) for each in _pieces(part))]
    said += [(11, each) for part in (64, 65) for each in _pieces(part)]
    more = [(10, encode([_RELEASE.tag, 0, [64, 1]])), (12, encode([1, 1, 2, 500, 3300, 0, 7]))]
    talks = [record(bytes((40, 0x81, kind)), body) for kind, body in [*said, *more]]
    return [b"".join(talks[:6]), b"".join(talks[:1] + talks[-12:]), talks[0], *talks[-2:]]


def take(data: bytes) -> bytes:
    """Return how the session stands."""
    _BOARD.flash._sectors[:] = [bytearray(sector) for sector in _SECTORS]
    _BOARD._sessions = 0
    machine, out, now_ms = _BOARD.boot(), Sink(), 1_000
    machine.start(now_ms, out)
    for number, (head, body) in enumerate(records(data, _HEAD_BYTES)):
        if number == _RECORDS_MAX or out.outcome:
            break
        now_ms += 4 * head[0]
        heard = body
        if head[1] & 0x80:
            heard = bytearray(HEADER_BYTES) + body[: FRAME_BYTES_MAX - HEADER_BYTES]
            target = _NODE if head[1] & 0x40 else BROADCAST
            write_header(heard, head[2], NETWORK, 20 + head[1] % 16, target, number)
        machine.on_frame(now_ms, 0, bytes(heard), len(heard), 0, out)
        machine.on_time(now_ms, out)
    # Nothing that anybody says changes what runs.
    held = bytearray(len(_OLD))
    _BOARD.flash.read(layout.slot_at(0, SECTORS) * layout.SECTOR_BYTES, held)
    assert held == _OLD
    return bytes((out.outcome, min(255, out.sent), machine.reason))
