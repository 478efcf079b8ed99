"""Who calls whom, so that two nodes have a session.

Who lacks something asks for it again; who has it answers what is asked again. A resumption is
tried first where something is kept, then a handshake. A session is installed when both sides have
proven who they are: by who is called when the third message is right, by who calls when the
fourth one says so. Nothing that anybody can forge ends a session.

Input    call(now, peer), on_call(now, source, data), on_time(now); forget
Effects  those of `shapes.CallSink`
Bounds   CALLS_MAX calls; each message TRIES + 1 times; AGREEMENTS_MAX key agreements at once for
         our own calls, and one each AGREEMENT_MS
Source   SPEC.md, "Calls"
"""

from ..codec.frame import BROADCAST
from ..ticks import ticks_add, ticks_diff
from .answering import (
    ANSWER,
    CALL,
    COOKIE,
    COOKIE_BYTES,
    HANDSHAKE_MS,
    HEAD_BYTES,
    NO,
    PAID,
    PROOF,
    RESUMPTION,
    RESUMPTION_MS,
    Answering,
)
from .call import BY_NAME, BY_VALUE, RESTS, RESUMES, Call
from .edhoc import HandshakeError
from .holdings import NO_NAME
from .quarantine import AGREEMENT_MS, AGREEMENTS, KIND_PROVEN, OF_OURS
from .resumption import NONCE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import CallSink

TRIES = 3  # of each message, after the first time
CROSSING_MS = 3_000  # that who calls us is given, before we call him
REST_MS = 30_000  # after a call in vain
NEVER = -1
_TAG_BYTES = 2


class Calls(Answering):
    """All calls of one node. After a deep sleep its quarantine is what it was; calls are not."""

    def call(self, now_ms: int, peer: int, out: "CallSink") -> bool:
        """Call a node, unless that is under way; False if it cannot be called now."""
        call = self.find(peer, True)
        if call:
            return call.stage != RESTS
        if (
            not 0 < peer < BROADCAST
            or peer == self.node
            or self.quarantine.is_aside(now_ms, peer, KIND_PROVEN)
            or not self.has_room(now_ms, True)
        ):
            return False
        theirs = self.find(peer, False)
        call = Call(peer, b"", True)
        self.calls.append(call)
        if theirs and theirs.step:
            call.at_ms = ticks_add(now_ms, CROSSING_MS)
        else:
            self._begin(now_ms, call, out)
        return True

    def on_call(self, now_ms: int, source: int, data: bytes, out: "CallSink") -> None:
        """Take in what a node says of a call."""
        if (
            len(data) < HEAD_BYTES
            or not 0 < source < BROADCAST
            or source == self.node
            or self.quarantine.is_aside(now_ms, source, KIND_PROVEN)
        ):
            self.refused += 1
            return
        step = data[0]
        call = self.find(source, not step & 1, data[1:3])
        if call and data == call.heard:
            if step & 1:
                out.say(source, call.sent)  # who says it again did not hear us
        elif step in (PROOF, PROOF + RESUMPTION):
            if call and step == call.step:
                self.on_proof(now_ms, call, data, out)
            elif not call:
                self.refuse(source, data, out)
        elif step in (CALL, CALL + RESUMPTION, PAID):
            if not call:
                self.on_first(now_ms, Call(source, data[1:3], False), data, out)
        elif call and call.sent:
            self._on_answer(now_ms, call, data, out)

    def next_wake_at_ms(self) -> int:
        """Return when `on_time` is due; later, a peer is called later. NEVER if nothing is due."""
        at_ms = NEVER
        for call in self.calls:
            if at_ms == NEVER or ticks_diff(call.at_ms, at_ms) < 0:
                at_ms = call.at_ms
        return at_ms

    def on_time(self, now_ms: int, out: "CallSink") -> None:
        """Say again what nobody answered, and end what nobody ever answers."""
        for call in list(self.calls):
            if ticks_diff(call.at_ms, now_ms) > 0 or call not in self.calls:
                continue
            if not call.is_ours or call.stage == RESTS:
                self.calls.remove(call)
            elif not call.sent:
                self._begin(now_ms, call, out)
            elif call.tries >= TRIES:
                if call.step == ANSWER:
                    call.stage = BY_VALUE  # who is silent is silent to that, too
                self._go_on(now_ms, call, out)
            else:
                call.tries += 1
                span_ms = HANDSHAKE_MS if call.handshake else RESUMPTION_MS
                call.at_ms = ticks_add(now_ms, (span_ms << call.tries) + call.tag[0])
                out.say(call.peer, call.sent)

    def _begin(self, now_ms: int, call: Call, out: "CallSink") -> None:
        peer, holdings = call.peer, self.holdings
        call.tag, call.tries = self.random(_TAG_BYTES), 0
        try:
            if call.stage == RESUMES:
                kept = holdings.kept_of(peer)
                if kept:
                    ask = call.ask(kept, self.node, self.random(NONCE_BYTES))
                    self.say(now_ms, call, CALL + RESUMPTION, NO_NAME + ask, out)
                    return
                call.stage = BY_NAME
            name = NO_NAME if call.stage == BY_VALUE else holdings.name_of(peer)
        except OSError:
            self._go_on(now_ms, call, out)
            return
        if not self.quarantine.spend(now_ms, OF_OURS, AGREEMENTS):
            call.at_ms = ticks_add(now_ms, AGREEMENT_MS)
            return
        holdings.prepare(call)
        self.say(now_ms, call, CALL, name + call.handshake.message_1(), out)

    def _go_on(self, now_ms: int, call: Call, out: "CallSink") -> None:
        # To what is tried next.
        call.stage += 1
        call.sent = call.heard = b""
        call.handshake = None
        if call.stage == RESTS:
            call.at_ms = ticks_add(now_ms, REST_MS)
            self.give_up(call.peer, out)
        else:
            self._begin(now_ms, call, out)

    def _on_answer(self, now_ms: int, call: Call, data: bytes, out: "CallSink") -> None:
        step, body = data[0], data[HEAD_BYTES:]
        if step == COOKIE and call.step == ANSWER and len(body) == COOKIE_BYTES:
            self._pay(call, body, out)
        if step != call.step and (step != NO or call.step == ANSWER):
            return  # who is called with a handshake does not say that it knows nothing of it
        try:
            if step == NO:
                raise HandshakeError()
            if step & 3 == ANSWER:
                self.holdings.refer(call, data[3:4])
                proof = call.on_answer(body)
                call.heard, call.tries = data, 0
                self.say(now_ms, call, step + 1, NO_NAME + proof, out)
                return
            call.on_done(body)
        except (HandshakeError, OSError):
            # A forged answer ends no resumption. That nothing is kept may be forged, too: then
            # there is a handshake.
            if call.handshake or step == NO:
                self._go_on(now_ms, call, out)
            return
        if self.holdings.install(call):
            self.calls.remove(call)
            self.join(now_ms, call, out)
        else:
            self._go_on(now_ms, call, out)

    def _pay(self, call: Call, cookie: bytes, out: "CallSink") -> None:
        sent = call.sent
        is_first = sent[0] == CALL
        rest = sent[HEAD_BYTES if is_first else HEAD_BYTES + COOKIE_BYTES :]
        call.sent = bytes((PAID,)) + sent[1:HEAD_BYTES] + cookie + rest
        # Once; whoever asks for others in its name has us say no more than without.
        if is_first:
            out.say(call.peer, call.sent)

    def give_up(self, peer: int, out: "CallSink") -> None:
        """Note that a node was called in vain."""
        out.failed(peer)

    def forget(self, peer: int, out: "CallSink") -> None:
        """End what there is with a node that is believed no more.

        Raises: OSError when flash fails: what it keeps is not forgotten then.
        """
        self.calls = [call for call in self.calls if call.peer != peer]
        self.give_up(peer, out)
        self.holdings.forget(peer)
