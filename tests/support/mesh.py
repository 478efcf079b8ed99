"""The mesh of one agent without the rest of it: what a test or a figure of frames needs."""

from kernel.codec import cbor, frame
from kernel.codec.fragments import count_of, write_fragment
from kernel.health.meters import Meters
from kernel.identity import Identity
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES, Quotas
from kernel.mesh.neighbours import Neighbours
from kernel.mesh.requests import Requests
from kernel.mesh.router import Router
from kernel.mesh.transmitter import Transmitter
from kernel.prng import Prng
from support.script import Script

NETWORK = 7
PEER = 0x2000


def made(  # noqa: PLR0917 - one field each
    kind, payload, target=frame.BROADCAST, sequence=1, source=PEER, network=NETWORK
):
    """Return a frame of a node that is no agent of ours."""
    data = bytearray(HEADER_BYTES) + payload
    frame.write_header(data, kind, network, source, target, sequence)
    return data


def cut(payload, kind=frame.KIND_MESSAGE, number=1):
    """Return the payloads of the fragments of a message."""
    whole, result = bytearray(payload), []
    for index in range(count_of(len(whole))):
        buffer = bytearray(FRAME_BYTES_MAX)
        length = write_fragment(buffer, 0, number, index, kind, whole, len(whole))
        result.append(bytes(memoryview(buffer)[:length]))
    return result


class Mesh:
    """Router, transmitter and their tables; it writes down what its handlers got."""

    def __init__(self, node=0x1234, name="a"):
        self.now_ms = 1_000
        self.out = Script()
        self.got = []
        self.meters, self.quotas = Meters(), Quotas()
        self.neighbours, self.requests = Neighbours(), Requests(node)
        self.identity = Identity(name, node, NETWORK, "test-board")
        self.transmitter = Transmitter(self.identity, Prng(node), self.meters)
        self.router = Router(
            self.identity, self.neighbours, self.transmitter, self.meters, self.quotas
        )
        for kind in (frame.KIND_MESSAGE, frame.KIND_REQUEST, frame.KIND_RESPONSE):
            self.router.handlers[kind] = self._handle
        self._sequence = 0

    def _handle(self, now_ms, envelope):
        self.got.append((envelope.kind, envelope.source, envelope.fields()))
        return 0

    def hear(self, data, rssi_dbm=0, length=-1):
        """Take in a frame and count it as an agent does; return the reason if it is dropped."""
        length = len(data) if length < 0 else length
        reason = self.router.on_frame(self.now_ms, 0, data, length, rssi_dbm, self.out)
        if reason:
            self.meters.drop(reason)
        return reason

    def hear_payload(self, kind, payload, **fields):
        """Take in a frame with the next number of its sender."""
        self._sequence += 1
        return self.hear(made(kind, payload, sequence=self._sequence, **fields))

    def state(self):
        """Return what a frame that is dropped must leave as it is."""
        near = self.neighbours
        rows = [(near.ids[row], near.name(row)) for row in range(len(near.ids)) if near.ids[row]]
        return rows, list(self.got), self.transmitter.held(), self.requests.count

    def sent(self):
        """Let everything out; return (kind, target, payload) of each frame."""
        self.transmitter.flush(self.out)
        return [
            (data[1], frame.read_target(data), bytes(data[HEADER_BYTES:]))
            for data in self.out.take_frames()
        ]


def encoded(*fields):
    """Return the encoding of a list."""
    return cbor.encode(list(fields))
