"""Whom to trust with what is critical: a neighbour that has just proven what runs on it.

Who is about to hand out a critical key asks first, in a frame of the session that both have. What
is right counts for a while and for that session; what is wrong, or no answer, closes the door for
a time that doubles. Who is asked answers a few times a minute, from what it measured as it booted.

Input    Demands: demand(…), on_token(…), step(…), forget(node); Answers: answer(…)
Effects  out.question(node, nonce), out.refuse(node, why)
Bounds   PEERS_MAX neighbours, TRIES_MAX questions of ANSWER_MS_MAX each; ANSWERS_MAX
Source   RFC 9334, section 8.1: passport and challenge; SPEC.md, "Attestation"
"""

from ..ticks import ticks_add, ticks_diff
from .budget import Budget
from .token import ANSWER_MS_MAX, ASK_BYTES, Challenge, claims_of, coded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from .port import Crypto

    Measured = tuple[bytes, bytes, bytes]
    IsRight = Callable[[bytes, bytes, bytes], bool]

    class Out(Protocol):
        """Where the effects go."""

        def question(self, node: int, nonce: bytes) -> None:
            """Send a nonce to a neighbour, in a frame of our session with it."""

        def refuse(self, node: int, why: int) -> None:
            """Tell whoever watches that a neighbour is not trusted."""


PEERS_MAX = 8  # as many as there are sessions
TRIES_MAX = 3
TRUST_MS = 3_600_000
PAUSE_MS = 600_000
DOUBLINGS_MAX = 6  # of the pause: ten hours
ANSWERS_MAX = 6  # at once, and one more each
ANSWER_EVERY_MS = 10_000
WRONG, SILENT = 1, 2  # why: it runs what we do not accept; it did not say

_ASKED, _TRUSTED, _REFUSED = range(3)


class _Peer:
    # Until when it is what; how often it was asked, and refused.
    def __init__(self, node: int, mac: bytes, at_ms: int) -> None:
        self.node, self.mac, self.at_ms = node, mac, at_ms
        self.state = _REFUSED
        self.tries = self.refusals = 0
        self.challenge = Challenge(0, b"", b"")


class Demands:
    """What our neighbours have proven; a new one knows nothing, so a boot asks anew.

    Shape: `is_right(slot, settings, runtime)` tells whether we accept what was measured.
    """

    def __init__(self, crypto: "Crypto", is_right: "IsRight") -> None:
        self._crypto, self._is_right = crypto, is_right
        self._peers: "list[_Peer]" = []
        self.dropped = 0  # demands for which there was no room

    def demand(self, now_ms: int, node: int, mac: bytes, out: "Out") -> bool:
        """Tell whether a neighbour may have what is critical; ask it if that is not known."""
        peer = self._find(now_ms, node, out)
        if peer is None:
            # Whoever was refused, and could be asked again, makes room.
            for other in self._peers:
                if len(self._peers) == PEERS_MAX and _is_over(now_ms, other):
                    self._peers.remove(other)
            if len(self._peers) == PEERS_MAX:
                self.dropped += 1
                return False
            peer = _Peer(node, mac, now_ms)
            self._peers.append(peer)
        if peer.state == _REFUSED and _is_over(now_ms, peer):
            peer.tries = 0
            self._ask(now_ms, peer, out)
        return peer.state == _TRUSTED

    def on_token(
        self,
        now_ms: int,
        node: int,
        claims: "tuple[bytes, bytes, bytes, bytes, bytes] | None",
        out: "Out",
    ) -> bool:
        """Take what `claims_in` found under the key of our session; tell whether that is right.

        What is not genuine, not asked for or too late changes nothing.
        """
        peer = self._find(now_ms, node, out)
        if not claims or not peer or not peer.challenge.take(now_ms, claims[0], claims[1]):
            return False
        if not self._is_right(claims[2], claims[3], claims[4]):
            self._refuse(now_ms, peer, WRONG, out)
            return False
        peer.state = _TRUSTED
        peer.at_ms = ticks_add(now_ms, TRUST_MS)
        return True

    def step(self, now_ms: int, out: "Out") -> None:
        """Let pass what is too late: ask again, refuse who is silent, end what was trusted."""
        for peer in self._peers[:]:
            if not _is_over(now_ms, peer):
                continue
            if peer.state == _TRUSTED:
                self._peers.remove(peer)
            elif peer.state == _ASKED:
                if peer.tries < TRIES_MAX:
                    self._ask(now_ms, peer, out)
                else:
                    self._refuse(now_ms, peer, SILENT, out)

    def forget(self, node: int) -> None:
        """Trust a neighbour no more, as its session has ended; who is refused stays so."""
        self._peers = [peer for peer in self._peers if peer.node != node or peer.state != _TRUSTED]

    def next_wake_at_ms(self) -> int:
        """Return when `step` has something to do, -1 if nobody is asked."""
        due_at_ms = -1
        for peer in self._peers:
            is_first = due_at_ms < 0 or ticks_diff(peer.at_ms, due_at_ms) < 0
            if peer.state == _ASKED and is_first:
                due_at_ms = peer.at_ms
        return due_at_ms

    def _find(self, now_ms: int, node: int, out: "Out") -> "_Peer | None":
        self.step(now_ms, out)
        for peer in self._peers:
            if peer.node == node:
                return peer
        return None

    def _ask(self, now_ms: int, peer: _Peer, out: "Out") -> None:
        nonce = self._crypto.random(ASK_BYTES)
        peer.challenge = Challenge(now_ms, peer.mac, nonce)
        peer.state = _ASKED
        peer.tries += 1
        peer.at_ms = ticks_add(now_ms, ANSWER_MS_MAX + 1)
        out.question(peer.node, nonce)

    def _refuse(self, now_ms: int, peer: _Peer, why: int, out: "Out") -> None:
        peer.state = _REFUSED
        peer.at_ms = ticks_add(now_ms, PAUSE_MS << min(peer.refusals, DOUBLINGS_MAX))
        peer.refusals += 1
        out.refuse(peer.node, why)


def _is_over(now_ms: int, peer: _Peer) -> bool:
    return ticks_diff(now_ms, peer.at_ms) >= 0


class Answers:
    """What we say of ourselves to those who share a session with us.

    Shape: `measured` are the digests of the image, the configuration and the MicroPython build.
    """

    def __init__(self, mac: bytes, measured: "Measured") -> None:
        self._mac, self._measured = mac, measured
        self._budget = Budget(ANSWERS_MAX, ANSWER_EVERY_MS)

    def answer(self, now_ms: int, key: bytes, nonce: bytes) -> bytes:
        """Return the token for a question, coded for who asked; nothing if that is too often."""
        if len(nonce) != ASK_BYTES or not self._budget.take(now_ms, 1):
            return b""
        return coded(key, claims_of(nonce, self._mac, *self._measured))
