"""Many nodes over a bad medium: loss, doubles, reordering, losses of power, and who meddles.

What holds all the time: nobody installs a secret that its peer did not derive for it, and all
that is held is bounded. When faults stop, all who want to speak do, within a stated time, and both
ends of each pair have one secret.
"""

from kernel.prng import Prng, seed_from
from kernel.secure.answering import CALLS_MAX
from kernel.secure.calls import TRIES
from kernel.secure.sessions import SESSIONS_MAX
from kernel.secure.traffic import WAITING_MAX
from support.calling import Medium, Station, stations

FAULTS_MS = 240_000
SPOKEN_MS = 150_000  # from the last fault until all have heard all
STEP_MS = 5_000
NODES = 4


class Proving(Station):
    """One that knows at once if a secret is installed that its peer did not derive for it."""

    derived = None

    def hear(self, source, data):
        """Note what was derived by it."""
        super().hear(source, data)
        for call in self.calls.calls:
            if call.exporter:
                self.derived.add((self.node, call.peer, call.exporter.export(0, b"", 16)))

    def joined(self, peer):
        """Hold what was installed against what the peer derived."""
        super().joined(peer)
        to, secret = self.installed[-1]
        assert to == peer and (peer, self.node, secret) in self.derived


class Meddler:
    """Who hears all, forges and replays."""

    def __init__(self, medium, seed):
        """Draw from a seed of its own."""
        self._medium = medium
        self._rng = Prng(seed_from(seed, "meddler"))

    def act(self, count):
        """Inject some of what was said, changed or not, under any name."""
        medium, rng = self._medium, self._rng
        for _ in range(count if medium.sent else 0):
            source, target, data = medium.sent[rng.below(len(medium.sent))]
            changed = bytearray(data)
            way = rng.below(5)
            if way == 0:
                source, target = target, source  # thrown back
            elif way == 1:
                changed[rng.below(len(changed))] ^= 1 << rng.below(8)
            elif way == 2:
                changed = changed[: rng.below(len(changed))]
            elif way == 3:
                source = 11 + rng.below(NODES)
            medium.inject(source, target, bytes(changed), rng.below(2_000))


def bounded(station):
    """Hold a node to what it may hold."""
    ours = [call for call in station.calls.calls if call.is_ours]
    assert len(ours) <= CALLS_MAX
    assert len(station.calls.calls) - len(ours) <= CALLS_MAX
    assert len(station.calls._waiting) <= WAITING_MAX
    assert len(station.protection.sessions.peers()) <= SESSIONS_MAX


def run_faults(medium, nodes, meddler, rng):
    """Let everything go wrong for a while."""
    for _ in range(FAULTS_MS // STEP_MS):
        for _ in range(3):
            one, other = rng.below(NODES), rng.below(NODES)
            if one != other:
                nodes[one].send(nodes[other].node)
        if rng.below(3) == 0:
            nodes[rng.below(NODES)].boot(is_erased=rng.below(4) == 0)
        meddler.act(10)
        medium.run(STEP_MS)
        for node in nodes:
            bounded(node)


def all_speak(medium, nodes):
    """Let each say something to each until it is heard; return how long it took."""
    medium.heard = []
    wanted = {(b.node, a.node) for a in nodes for b in nodes if a is not b}
    spent_ms = 0
    while wanted and spent_ms < SPOKEN_MS:
        for node in nodes:
            for peer in nodes:
                if (peer.node, node.node) in wanted:
                    node.send(peer.node)
        spent_ms += medium.run(STEP_MS)
        wanted -= {(target, source) for target, source, _ in medium.heard}
    assert not wanted, wanted
    return spent_ms


def trial(seed, is_meddled):
    """Run one world; return how long it took to get well."""
    nodes = stations(NODES, kind=Proving)
    derived = set()
    for node in nodes:
        node.derived = derived
    rng = Prng(seed_from(seed, "faults"))
    medium = Medium(nodes, seed, loss=100 * rng.below(7), double=300, delay_ms=400)
    meddler = Meddler(medium, seed)
    run_faults(medium, nodes, meddler if is_meddled else Meddler(Medium([]), 0), rng)
    medium.loss = medium.double = 0
    medium.delay_ms = 10
    spent_ms = all_speak(medium, nodes)
    medium.run(60_000)
    for node in nodes:
        for peer in nodes:
            if node is not peer:
                assert node.secret_for(peer.node) and (
                    node.secret_for(peer.node) == peer.secret_for(node.node)
                )
    return spent_ms


class Choosing(Medium):
    """One that loses those of the first messages that bits name."""

    bits = 0

    def _carry(self, *what):
        lost, self.bits = self.bits & 1, self.bits >> 1
        if not lost:
            super()._carry(*what)


def both_call(bits):
    """Have two nodes call each other and lose some messages; return how long it took them.

    With more than three lost they may give up, or only one know of the session: until they speak.
    """
    one, other = nodes = stations(2, kind=Proving)
    one.derived = other.derived = set()
    medium = Choosing(nodes, delay_ms=30)
    medium.bits = bits
    one.call(other.node)
    other.call(one.node)

    def is_done():
        secret = one.secret_for(other.node)
        return secret and secret == other.secret_for(one.node)

    spent_ms = medium.run(SPOKEN_MS, is_done)
    lost = 0
    while bits:
        lost, bits = lost + (bits & 1), bits >> 1
    assert is_done() or lost > TRIES, lost
    if not is_done():
        spent_ms = all_speak(medium, nodes)
    secret = one.secret_for(other.node)
    medium.run(SPOKEN_MS)
    assert one.secret_for(other.node) == other.secret_for(one.node) == secret
    return spent_ms
