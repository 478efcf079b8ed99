"""How a node answers those who call it.

What they may cost is bounded: a first message is signed by nobody, and costs who is called the
most. All calls of others have one budget; once half of it is gone, a call must bring a cookie that
only who is at its address was told; and many in one node's name are not answered for a while.
A resumption costs hashes only, so that those who know each other meet whatever strangers do.

Input    on_first(now, call, data), on_proof(now, call, data)
Effects  out.say; what the quarantine tells
Bounds   CALLS_MAX calls; AGREEMENTS_MAX key agreements at once, and one each AGREEMENT_MS: a
         tenth of the time of an ESP32
Source   SPEC.md, "Calls"; RFC 9000, section 8.1 (address validation)

    payload: step; tag, 2 bytes; key id of the certificate that we hold of the other, or 0xFF; body
"""

from struct import pack

from ..ticks import ticks_add, ticks_diff
from .call import RESTS, Call
from .edhoc import HandshakeError
from .holdings import NO_NAME, Holdings
from .kdf import hmac, same
from .quarantine import (
    AGREEMENTS,
    AGREEMENTS_MAX,
    CALLED,
    FAILED,
    KIND_CALLS,
    OF_OTHERS,
    Quarantine,
)
from .resumption import NONCE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import CallSink

KIND_CALL = 13  # of a frame; its payload is one byte string

CALL, ANSWER, PROOF, DONE = range(1, 5)  # steps of a handshake; who calls has the odd ones
RESUMPTION = 4  # more, of a resumption
PAID, COOKIE, NO = 9, 10, 12  # a call with the cookie; bring this one; nothing is known of that

CALLS_MAX = 4  # of ours, and as many of others
RESUMPTION_MS, HANDSHAKE_MS = 250, 2_000  # until we say it again, doubled each time
THEIRS_MS, HALF_OPEN_MS = 20_000, 4_000  # of a call of another; until it makes room for others

HEAD_BYTES, COOKIE_BYTES = 4, 8
_EPOCH_SHIFT = 16  # a cookie is good for one to two minutes


class Answering:
    """The calls of one node, and what it does of those that are not its own.

    Units: `refused` messages of others.
    """

    def __init__(self, node: int, holdings: Holdings) -> None:
        self.node, self.holdings = node, holdings
        self.quarantine = Quarantine()
        self.calls: "list[Call]" = []
        self.refused = 0
        self.random = holdings.crypto.random
        self._secret = self.random(16)  # of cookies

    def find(self, peer: int, is_ours: bool, tag: bytes = b"") -> "Call | None":
        """Return a call of one side with a peer, any if no tag is given."""
        for call in self.calls:
            if call.peer == peer and call.is_ours == is_ours and tag in (b"", call.tag):
                return call
        return None

    def has_room(self, now_ms: int, is_ours: bool) -> bool:
        """Make room for one more call if there is any: what rests, is over or half open goes."""
        kind = [call for call in self.calls if call.is_ours == is_ours]
        if len(kind) < CALLS_MAX:
            return True
        for call in kind:
            left_ms = ticks_diff(call.at_ms, now_ms)
            if call.stage == RESTS or (not is_ours and left_ms <= THEIRS_MS - HALF_OPEN_MS):
                self.calls.remove(call)
                return True
        return False

    def say(self, now_ms: int, call: Call, step: int, rest: bytes, out: "CallSink") -> None:
        """Send a message of a call, and wait for the one after it."""
        call.step = step + 1
        call.sent = bytes((step,)) + call.tag + rest
        wait_ms = THEIRS_MS
        if call.is_ours:
            wait_ms = (HANDSHAKE_MS if call.handshake else RESUMPTION_MS) + call.tag[0]
        call.at_ms = ticks_add(now_ms, wait_ms)
        out.say(call.peer, call.sent)

    def refuse(self, peer: int, data: bytes, out: "CallSink") -> None:
        """Say that nothing is known of what a message goes on with."""
        out.say(peer, bytes((NO,)) + data[1:3] + NO_NAME)

    def on_first(self, now_ms: int, call: Call, data: bytes, out: "CallSink") -> None:
        """Answer the first message of a new call of another."""
        peer, holdings = call.peer, self.holdings
        ours = self.find(peer, True)
        if ours and ours.sent and not ours.tries and ours.step & 3 == ANSWER and self.node < peer:
            return  # both call: that of the lower id goes on, unless it is not heard
        body, name, step = data[HEAD_BYTES:], NO_NAME, ANSWER
        try:
            if data[0] == CALL + RESUMPTION:
                step += RESUMPTION
                kept = holdings.kept_of(peer)
                if not kept:
                    self.refuse(peer, data, out)
                    return
                answer = call.on_ask(kept, self.node, self.random(NONCE_BYTES), body)
                if not self.has_room(now_ms, False):
                    self.refused += 1
                    return
            elif self._is_admitted(now_ms, peer, data, out):
                if data[0] == PAID:
                    body = body[COOKIE_BYTES:]
                name = holdings.name_of(peer)
                holdings.prepare(call)
                holdings.refer(call, data[3:4])
                answer = call.handshake.on_message_1(body)
            else:
                return
        except (HandshakeError, OSError):
            if step > RESUMPTION:
                self.refuse(peer, data, out)  # what one of us kept may be older
            else:
                self.quarantine.blame(now_ms, peer, FAILED, out)
            return
        call.heard = data
        self.calls.append(call)
        self.say(now_ms, call, step, name + answer, out)

    def _is_admitted(self, now_ms: int, peer: int, data: bytes, out: "CallSink") -> bool:
        quarantine = self.quarantine
        is_aside = quarantine.is_aside(now_ms, peer, KIND_CALLS)
        if not is_aside and quarantine.spent(now_ms, OF_OTHERS) > AGREEMENTS_MAX // 2:
            epoch, at = now_ms >> _EPOCH_SHIFT, HEAD_BYTES
            if data[0] == PAID:
                at += COOKIE_BYTES
            said = data[1:HEAD_BYTES] + data[at:]
            cookie, paid = self._cookie(epoch, peer, said), data[HEAD_BYTES:at]
            if not same(paid, cookie) and not same(paid, self._cookie(epoch - 1, peer, said)):
                out.say(peer, bytes((COOKIE,)) + data[1:3] + NO_NAME + cookie)
                return False
        is_refused = is_aside or not self.has_room(now_ms, False)
        if is_refused or not quarantine.spend(now_ms, OF_OTHERS, AGREEMENTS):
            self.refused += 1
            return False
        quarantine.blame(now_ms, peer, CALLED, out)
        return True

    def _cookie(self, epoch: int, peer: int, said: bytes) -> bytes:
        return hmac(self._secret, pack(">iI", epoch, peer), said)[:COOKIE_BYTES]

    def on_proof(self, now_ms: int, call: Call, data: bytes, out: "CallSink") -> None:
        """Take in the third message: who called is who he says, or the call is over."""
        ours = self.find(call.peer, True)
        if ours and ours.sent and not ours.step & 3 and self.node < call.peer:
            return  # both came so far: without that of the lower id there are two secrets
        self.holdings.peers.node = call.peer
        try:
            done = call.on_proof(data[HEAD_BYTES:])
        except (HandshakeError, OSError):
            self.quarantine.blame(now_ms, call.peer, FAILED, out)
            if call.handshake:  # a forged proof ends no resumption
                self.calls.remove(call)
            return
        if not self.holdings.install(call):
            self.refused += 1
            self.calls.remove(call)
            return
        call.heard = data
        self.say(now_ms, call, data[0] + 1, NO_NAME + done, out)
        call.step = 0
        self.join(now_ms, call, out)

    def join(self, now_ms: int, call: Call, out: "CallSink") -> None:
        """Note that a session was installed; what else is under way with its peer is over."""
        self.calls = [
            each
            for each in self.calls
            if each.peer != call.peer or not (each.is_ours or each.step)
        ]
        out.joined(call.peer)
