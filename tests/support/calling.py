"""Nodes that call each other over a medium that loses, doubles, delays and reorders."""

from kernel.codec.frame import BROADCAST, KIND_MESSAGE, read_source, read_target, write_header
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.prng import Prng, seed_from
from kernel.secure.acquaintances import Acquaintances, by_value
from kernel.secure.answering import ANSWER, CALL, DONE, PROOF, RESUMPTION
from kernel.secure.certificate import thumbprint_of
from kernel.secure.edhoc import Credential
from kernel.secure.holdings import Holdings
from kernel.secure.revocation import Revocations
from kernel.secure.session import Protection
from kernel.secure.traffic import Traffic
from kernel.ticks import ticks_add, ticks_diff
from support.script import MemoryTable
from support.secure_parties import NETWORK, Fleet

START_MS = (1 << 29) - 20_000  # ticks wrap soon
CALL_BYTES_MAX = FRAME_BYTES_MAX - HEADER_BYTES - 2  # of a payload that is one byte string


class Few:
    """Ephemeral pairs from a small stock: what they cost would only slow a test down."""

    def __init__(self, fleet, count=3):
        """Make the stock."""
        self.drawn = 0
        self._pairs = []
        for _ in range(count):
            private = fleet.random(32)
            self._pairs.append((private, fleet.port.public_of(private)))

    def take(self):
        """Return the next of them, then the first again."""
        self.drawn += 1
        return self._pairs[self.drawn % len(self._pairs)]


class Station:
    """One node: its identity and table outlive it, its sessions only a deep sleep."""

    traffic = Traffic
    holdings = Holdings

    def __init__(self, fleet, node, ephemerals, boards):
        """Have a certificate made, unless there was one, and boot."""
        self.fleet, self.node = fleet, node
        if node not in boards:
            boards[node] = fleet.board(node, thumbprint=thumbprint_of(b"%d" % node))
        self.board = boards[node]
        self.table = MemoryTable()
        self.ephemerals = ephemerals
        self.now_ms = START_MS
        self.installed = []  # peer and secret, as they came
        self.clear()
        self.boot()

    def clear(self):
        """Forget what was noted."""
        self.said, self.frames, self.asides, self.joins, self.fails = [], [], [], [], []

    def boot(self, is_erased=False):
        """Begin anew after a loss of power, with an empty flash or not."""
        if is_erased:
            self.table = MemoryTable()
        self.table.rollback()
        board, port = self.board, self.fleet.port
        orders = Revocations(self.table, port, self.fleet.authority, NETWORK)
        peers = Acquaintances(self.table, port, orders)
        own = Credential(
            by_value(board.certificate), board.certificate, board.public, board.private
        )
        self.protection = Protection(port, self.table, self.node)
        self._watch()
        made = self.holdings(own, port, self.table, peers, self.ephemerals, self.protection)
        self.peers = peers
        self.calls = self.traffic(self.node, made)

    def _watch(self):
        install = self.protection.install

        def noting(peer, secret, is_pinned=False):
            self.installed.append((peer, secret))
            return install(peer, secret, is_pinned)

        self.protection.install = noting

    # What `Traffic` hands out.
    def say(self, peer, data):
        """Note a message of a call."""
        assert len(data) <= CALL_BYTES_MAX
        self.said.append((peer, data))

    def sealed(self, frame, length):
        """Note a frame."""
        self.frames.append(bytes(memoryview(frame)[:length]))

    def joined(self, peer):
        """Note a session."""
        self.joins.append(peer)

    def failed(self, peer):
        """Note a call in vain."""
        self.fails.append(peer)

    def aside(self, node, what, span_ms):
        """Note who was put aside."""
        self.asides.append((node, what, span_ms))

    # What a test does.
    def call(self, peer):
        """Call a node."""
        return self.calls.call(self.now_ms, peer, self)

    def send(self, peer, payload=b"\x01"):
        """Send one frame, or have it wait."""
        frame = bytearray(FRAME_BYTES_MAX)
        write_header(frame, KIND_MESSAGE, NETWORK, self.node, peer, 0)
        frame[HEADER_BYTES : HEADER_BYTES + len(payload)] = payload
        return self.calls.send(self.now_ms, frame, HEADER_BYTES + len(payload), self)

    def hear(self, source, data):
        """Take in a message of a call."""
        self.calls.on_call(self.now_ms, source, data, self)

    def open(self, frame):
        """Return what a frame protects, or why it is refused."""
        buffer = bytearray(frame)
        length = self.calls.open(self.now_ms, buffer, len(buffer), self)
        return length if length < 0 else bytes(memoryview(buffer)[HEADER_BYTES:length])

    def secret_for(self, peer):
        """Return the secret of a session, None without one."""
        return self.protection.sessions.secret_for(peer)


class Medium:
    """What carries messages between stations, and time."""

    def __init__(self, stations, seed=1, loss=0, double=0, delay_ms=20):
        """Have permilles of loss and of doubling, and a delay that varies."""
        self.stations = {station.node: station for station in stations}
        self.rng = Prng(seed_from(seed, "medium"))
        self.loss, self.double, self.delay_ms = loss, double, delay_ms
        self.now_ms = START_MS
        self.flying = []  # due, number, source, target, call or frame
        self.heard = []  # target, source, payload
        self.sent = []  # source, target, message of a call
        self.refusals = []
        self._number = 0

    def run(self, span_ms, is_done=None):
        """Let time pass, or until something is done; return how much of it did."""
        began_ms = self.now_ms
        end_ms = ticks_add(began_ms, span_ms)
        self._collect()
        while not (is_done and is_done()):
            due_ms = self._next_ms(end_ms)
            if ticks_diff(due_ms, end_ms) >= 0:
                self._go_to(end_ms)
                break
            self._go_to(due_ms)
            self._deliver()
            for station in self.stations.values():
                station.calls.on_time(self.now_ms, station)
            self._collect()
        return ticks_diff(self.now_ms, began_ms)

    def inject(self, source, target, data, in_ms=0):
        """Have a message come that its source may never have sent."""
        self._fly(source, target, data, in_ms)

    def _go_to(self, now_ms):
        if ticks_diff(now_ms, self.now_ms) > 0:
            self.now_ms = now_ms
        for station in self.stations.values():
            station.now_ms = self.now_ms

    def _next_ms(self, least_ms):
        for each in self.flying:
            due_ms = each[0]
            if ticks_diff(due_ms, least_ms) < 0:
                least_ms = due_ms
        for station in self.stations.values():
            wake_ms = station.calls.next_wake_at_ms()
            if wake_ms >= 0 and ticks_diff(wake_ms, least_ms) < 0:
                least_ms = wake_ms
        return least_ms

    def _deliver(self):
        due = [each for each in self.flying if ticks_diff(each[0], self.now_ms) <= 0]
        self.flying = [each for each in self.flying if ticks_diff(each[0], self.now_ms) > 0]
        for _, _, source, target, data, is_call in sorted(due, key=lambda each: each[1]):
            station = self.stations.get(target)
            if station is None:
                continue
            if is_call:
                station.hear(source, data)
                continue
            opened = station.open(data)
            if isinstance(opened, int):
                self.refusals.append((target, source, opened))
            else:
                self.heard.append((target, source, opened))

    def _collect(self):
        for station in self.stations.values():
            said, station.said = station.said, []
            for target, data in said:
                self.sent.append((station.node, target, data))
                self._carry(station.node, target, data, True)
            frames, station.frames = station.frames, []
            for frame in frames:
                assert read_source(frame) == station.node != read_target(frame) != BROADCAST
                self._carry(station.node, read_target(frame), frame, False)

    def _carry(self, source, target, data, is_call):
        if self.rng.below(1_000) >= self.loss:
            self._fly(source, target, data, 1 + self.rng.below(self.delay_ms), is_call)
            if self.rng.below(1_000) < self.double:
                self._fly(source, target, data, 1 + self.rng.below(3 * self.delay_ms), is_call)

    def _fly(self, source, target, data, in_ms, is_call=True):
        self._number += 1
        due_ms = ticks_add(self.now_ms, in_ms)
        self.flying.append((due_ms, self._number, source, target, data, is_call))


_KNOWN = {}


def stations(count, seed=1, kind=Station):
    """Return nodes of one fleet, 11, 12 and so on, with few ephemeral keys.

    Their keys are made once for all tests, so that what was computed on curves stays known.
    """
    if seed not in _KNOWN:
        fleet = Fleet(seed)
        _KNOWN[seed] = fleet, Few(fleet), {}
    fleet, few, boards = _KNOWN[seed]
    few.drawn = 0
    return [kind(fleet, 11 + index, few, boards) for index in range(count)]


HANDSHAKE = [CALL, ANSWER, PROOF, DONE]
RESUMED = [step + RESUMPTION for step in HANDSHAKE]


def steps(medium):
    """Return the steps that were said, and forget them."""
    found = [data[0] for _, _, data in medium.sent]
    medium.sent = []
    return found


def joined(seed=1):
    """Return a medium and two nodes that have a session."""
    one, other = stations(2, seed)
    medium = Medium([one, other])
    assert one.call(12)
    medium.run(60_000, lambda: one.secret_for(12))
    assert steps(medium) == HANDSHAKE
    return medium, one, other
