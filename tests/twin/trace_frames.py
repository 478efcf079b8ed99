"""Frames as peers, strangers and vandals send them to the agent of a trace.

They are written by hand after SPEC.md and protocol.cddl, so that the kernel's writers are not
trusted to make what its readers read.
"""

from kernel.codec import cbor, frame
from kernel.limits import (
    FRAGMENT_BYTES,
    FRAME_BYTES_MAX,
    HEADER_BYTES,
)

NETWORK = 7
OWN_NAME = "traced"
TOPICS = ("a", "level", "topic of thirty-two bytes exactly", "t" * 32, "\u6c34")
VALUE_BYTES_MAX = 2_048
PEERS = 12  # more than a snapshot holds
KEPT = 32


class Peer:
    """Another agent as far as its frames tell."""

    def __init__(self, number):
        self.node = frame.node_id(bytes((2, 0, 0, 0, 9, number)))
        self.name = f"peer-{number}"
        self.boots = 1
        self.number = 1  # of its fragmented messages
        self.sequences = [0, 0]  # of frames to all, of frames to one


class Frames:
    """Make one frame after another."""

    def __init__(self, rng, recorder, own_node):
        self._rng = rng
        self._recorder = recorder
        self._own_node = own_node
        self._peers = [Peer(number) for number in range(PEERS)]
        self._named = ["nobody"]  # who announced itself lately
        self._kept = []  # to be replayed
        self._waiting = []  # fragments of messages that were cut

    def next(self):
        """Return the bytes of a frame."""
        roll = self._rng.below(100)
        if roll < 4:
            self._recorder.see("frame random")
            return self._noise(1 + self._rng.below(FRAME_BYTES_MAX + 4))
        if roll < 12 and self._kept:
            self._recorder.see("frame replayed")
            return self._kept[self._rng.below(len(self._kept))]
        data = self._waiting.pop(0) if self._waiting and roll < 70 else self._make()
        self._recorder.see(f"frame kind {data[1]}")
        self._kept.append(data)
        if len(self._kept) > KEPT:
            self._kept.pop(0)
        return self._mutate(data) if self._rng.below(8) == 0 else data

    def name(self):
        """Return the name of somebody who announced itself lately, and may be forgotten."""
        return self._named[self._rng.below(len(self._named))]

    def _noise(self, length):
        return bytes([self._rng.below(256) for _ in range(length)])

    def _mutate(self, data):
        rng, data = self._rng, bytearray(data)
        if rng.below(3) == 0:
            self._recorder.see("frame truncated")
            return bytes(data[: rng.below(len(data))])
        self._recorder.see("frame mutated")
        for _ in range(1 + rng.below(3)):
            data[rng.below(len(data))] ^= 1 << rng.below(8)
        return bytes(data)

    def _make(self):
        rng = self._rng
        peer = self._peers[rng.below(PEERS)]
        answered = self._answer()
        if answered is not None:
            return answered
        # Names are forgotten at each boot: most of what is said needs one.
        kind = frame.KIND_ANNOUNCE if rng.below(3) == 0 else 1 + rng.below(frame.KIND_LAST)
        if kind == frame.KIND_FRAGMENT:
            self._cut(peer)
            if rng.below(4) == 0:  # and more senders than can be joined begin with it
                self._waiting[1:1] = [self._beginning() for _ in range(3)]
            return self._waiting.pop(0)
        return self._frame(peer, kind, self._payload(peer, kind), self._target(kind))

    def _answer(self):
        """Return the response to a request that the agent sent lately."""
        for data in self._recorder.sent:
            if data[1] == frame.KIND_REQUEST and self._rng.below(2):
                target = frame.read_target(data)
                for peer in self._peers:
                    if peer.node == target:
                        fields = cbor.decode(memoryview(data)[HEADER_BYTES:])
                        value = [fields[0], self._rng.below(5), self._value()]
                        payload = cbor.encode(value)
                        return self._frame(peer, frame.KIND_RESPONSE, payload, self._own_node)
        return None

    def _target(self, kind):
        roll = self._rng.below(10)
        if roll == 0:
            return self._peers[0].node
        one = kind in (frame.KIND_REQUEST, frame.KIND_RESPONSE)
        return self._own_node if one or roll < 4 else frame.BROADCAST

    def _frame(self, peer, kind, payload, target):
        rng = self._rng
        cast = 0 if target == frame.BROADCAST else 1
        steps = (1, 1, 1, 1, 1, 2, 5, 0, -3, 2000)
        peer.sequences[cast] = (peer.sequences[cast] + steps[rng.below(10)]) & 0xFFFF
        network = NETWORK if rng.below(20) else NETWORK + 1
        source = peer.node if rng.below(30) else self._own_node
        data = bytearray(HEADER_BYTES) + payload
        frame.write_header(data, kind, network, source, target, peer.sequences[cast])
        return bytes(data)

    def _beginning(self):
        """Return the first fragment of a message whose rest never comes."""
        peer = self._peers[self._rng.below(PEERS)]
        peer.number += 1
        fields = [peer.number, 0, 2, frame.KIND_MESSAGE, bytes(FRAGMENT_BYTES)]
        return self._frame(peer, frame.KIND_FRAGMENT, cbor.encode(fields), frame.BROADCAST)

    def _cut(self, peer):
        rng = self._rng
        kind = (frame.KIND_MESSAGE, frame.KIND_REQUEST, frame.KIND_RESPONSE)[rng.below(3)]
        text = "x" * (FRAGMENT_BYTES + rng.below(800))
        payload = self._payload(peer, kind, text)
        count = (len(payload) + FRAGMENT_BYTES - 1) // FRAGMENT_BYTES
        peer.number += rng.below(10) > 0
        target = self._target(kind)
        for index in range(count):
            part = payload[index * FRAGMENT_BYTES : (index + 1) * FRAGMENT_BYTES]
            fields = cbor.encode([peer.number, index, count, kind, part])
            if rng.below(12):  # some get lost
                self._waiting.append(self._frame(peer, frame.KIND_FRAGMENT, fields, target))
            if rng.below(10) == 0:  # some come twice, and not the same
                other = bytearray(fields)
                other[-1] ^= rng.below(2)
                if rng.below(2):  # or under the number of another message
                    other = cbor.encode([peer.number, index, count, kind ^ 2, part])
                self._waiting.append(self._frame(peer, frame.KIND_FRAGMENT, other, target))
        if not self._waiting:
            self._waiting.append(self._frame(peer, frame.KIND_FRAGMENT, fields, target))
        if rng.below(4) == 0:  # or come in another order
            self._waiting.append(self._waiting.pop(0))

    def _payload(self, peer, kind, value=None):  # noqa: PLR0911 - one return per kind
        rng = self._rng
        value = self._value() if value is None else value
        topic = TOPICS[rng.below(len(TOPICS))]
        if kind == frame.KIND_ANNOUNCE:
            peer.boots += rng.below(8) == 0
            self._named.insert(0, peer.name)
            self._named = self._named[:4]
            fields = {1: peer.name, 2: peer.boots, 3: "board"}
            period_ms = (0, 0, 5_000, 20_000, 60_000)[rng.below(5)]
            if period_ms:
                leader = self._peers[rng.below(2)].node
                fields.update({4: period_ms, 5: rng.below(period_ms), 6: leader})
            if rng.below(10) == 0:
                fields[1 + rng.below(7)] = OWN_NAME if rng.below(2) else value
            return cbor.encode(fields)
        if kind == frame.KIND_MESSAGE:
            return cbor.encode([topic, value], VALUE_BYTES_MAX)
        if kind == frame.KIND_REQUEST:
            return cbor.encode([1 + rng.below(65_535), topic, value], VALUE_BYTES_MAX)
        if kind == frame.KIND_RESPONSE:
            return cbor.encode([1 + rng.below(65_535), rng.below(6), value], VALUE_BYTES_MAX)
        if kind == frame.KIND_OFFER:
            nodes = [self._own_node] if rng.below(2) else [1] * rng.below(3)
            return cbor.encode([rng.below(3), rng.below(9), b"12345678", 7, 1, [], nodes])
        if kind == frame.KIND_TELEMETRY:
            return cbor.encode({key: rng.below(1 << 20) for key in range(1, 8)})
        return cbor.encode(value, VALUE_BYTES_MAX)

    def _value(self):  # noqa: PLR0911 - one return per kind
        rng = self._rng
        kind = rng.below(8)
        if kind == 0:
            return rng.below(1 << 29) - (1 << 28)
        if kind == 1:
            return f"text {rng.below(100)}"
        if kind == 2:
            return self._noise(rng.below(20))
        if kind == 3:
            return [rng.below(9), None, {"k": rng.below(9)}]
        if kind == 4:
            return bool(rng.below(2))
        if kind == 5:
            return {1: rng.below(9), "a": [True]}
        if kind == 6:
            return 0.5 * rng.below(64)
        return None
