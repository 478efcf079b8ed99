"""Attacks on how nodes come to have a session: who is who, and what is installed when."""

from attacks.attack import attack, check, stopped, survived
from attacks.places import ACQUAINTANCES, ANSWERING, CALL, CALLS, HANDSHAKE, KEEPER, QUARANTINE

from kernel.secure import answering
from kernel.secure.acquaintances import by_value
from kernel.secure.answering import NO, PROOF, RESUMPTION
from kernel.secure.edhoc import Credential
from support.calling import Medium, Station, stations

Pair = tuple[Medium, Station, Station]


def joined() -> Pair:
    """Return two nodes that have a session, and what each has heard of the other in flash."""
    one, other = stations(2)
    medium = Medium([one, other])
    one.call(other.node)
    medium.run(60_000)
    assert one.secret_for(other.node) == other.secret_for(one.node) is not None
    medium.sent = []
    return medium, one, other


def steps_of(medium: Medium, *wanted: int) -> list[tuple[int, int, bytes]]:
    """Return what was said of some steps."""
    return [each for each in medium.sent if each[2][0] in wanted]


def hear(station: Station, source: int, data: bytes) -> None:
    """Have a node hear something; one that crashes has lost."""
    survived(lambda: station.hear(source, data))


DIRECTED = check(
    "binding to who asks",
    CALL,
    'return derive(kept, _DIRECTED, pack(">II", asker, asked), HASH_BYTES)',
    "return kept",
)


@attack(DIRECTED)
def test_a_node_agrees_with_itself() -> None:
    """Selfie (2019): its own words, sent back, are those of its peer."""
    _, one, other = joined()
    other.boot()
    other.call(one.node)
    for _ in range(4):
        said, other.said = other.said, []
        for target, data in said:
            assert target == one.node
            hear(other, one.node, data)
    stopped(other.secret_for(one.node) is None, "a session without a peer")


ONCE = check(
    "knowing that a call is over",
    CALLS,
    "if call and data == call.heard:",
    "if call and data == call.heard and step != PROOF + RESUMPTION:",
    (CALLS, "if call and step == call.step:", "if call:"),
)


@attack(ONCE)
def test_a_key_is_installed_again() -> None:
    """KRACK (CVE-2017-13077): the third message, again, resets what keeps frames from replay."""
    medium, one, other = joined()
    one.boot()
    one.call(other.node)
    medium.run(5_000)
    [(_, _, proof)] = steps_of(medium, PROOF + RESUMPTION)
    assert one.send(other.node, b"open") > 0
    [frame] = one.frames
    assert other.open(frame) == b"open"
    hear(other, one.node, proof)
    stopped(other.open(frame) != b"open", "a frame counts twice")


KEPT_SESSION = check(
    "believing nobody that a session is over",
    CALLS,
    "        elif call and call.sent:",
    "        elif step == NO and self.holdings.protection.sessions.end(source) or call:",
)


@attack(KEPT_SESSION)
def test_anybody_ends_a_session() -> None:
    """Deauthentication (802.11, 2003): a word that nobody signed, in the name of the peer."""
    _, one, other = joined()
    for step in (NO, *range(256)):
        hear(other, one.node, bytes((step, 1, 2, 0xFF)) + bytes(16))
    one.send(other.node, b"on")
    stopped(other.open(one.frames.pop()) == b"on")


UNTOUCHED = check(
    "keeping a session until there is a new one",
    ANSWERING,
    "self.calls.append(call)",
    "self.calls.append(self.holdings.protection.sessions.end(peer) or call)",
)


@attack(UNTOUCHED)
def test_trust_54_an_earlier_call_is_said_again() -> None:
    """LoRaWAN 1.0: a join request that was recorded ends the session that there is."""
    medium, one, other = joined()
    one.boot()
    one.call(other.node)
    medium.run(5_000)
    recorded = list(medium.sent)
    one.boot()
    one.call(other.node)
    medium.run(5_000)
    secret = other.secret_for(one.node)
    other.calls.calls = []
    for source, target, data in recorded:
        if target == other.node:
            hear(other, source, data)
    stopped(other.secret_for(one.node) == secret)
    one.send(other.node, b"on")
    stopped(other.open(one.frames.pop()) == b"on")


PROVEN = check(
    "proof of who calls",
    HANDSHAKE,
    "if not self.is_proven(side, peer, proof, front, ead):",
    "if not proof:",
)


@attack(PROVEN)
def test_whoever_calls_need_not_prove_who_he_is() -> None:
    """BIAS (CVE-2020-10135): with the certificate of another, but not with its key."""
    medium, one, other = joined()
    secret = other.secret_for(one.node)
    value = one.board.certificate
    thief = Credential(by_value(value), value, one.board.public, other.fleet.random(32))
    one.boot(is_erased=True)
    one.calls.holdings._own = thief
    one.call(other.node)
    medium.run(120_000)
    stopped(other.secret_for(one.node) == secret, "a session that nobody proved")


OWN_NODE = check("its own node", ACQUAINTANCES, "held.node != self.node", "False")


@attack(OWN_NODE)
def test_a_member_calls_in_the_name_of_another() -> None:
    """Unknown key share: a certificate that is good, but not for whom the frames come from."""
    one, victim, member = stations(3)
    medium = Medium([one, victim])
    one.boot()
    one.board = member.board
    one.boot()
    one.call(victim.node)
    medium.run(120_000)
    stopped(victim.secret_for(one.node) is None)


HOLDS = check(
    "holding the certificate to what is known now",
    KEEPER,
    "if not held or not self.peers.find(by_name(held)):",
    "if not held:",
)


@attack(HOLDS)
def test_what_resumes_outlives_the_certificate() -> None:
    """CVE-2025-23419: who resumes is not asked for a certificate any more."""
    medium, one, other = joined()
    other.boot()
    other.peers.orders.epoch = 1
    one.boot()
    one.call(other.node)
    medium.run(120_000)
    stopped(other.secret_for(one.node) is None)


KINDS = check("counting what is proven apart", QUARANTINE, "kind = what >> 1", "kind = 2")


@attack(KINDS)
def test_who_is_blamed_is_put_aside() -> None:
    """CVE-2007-4321: what bans who misbehaves bans whomever somebody else names."""
    medium, one, other = joined()
    for number in range(200):
        frame = bytearray(one.send(other.node) and one.frames.pop())
        frame[-4] ^= 1
        assert isinstance(other.open(frame), int)
        hear(other, one.node, bytes((answering.CALL, number, 0, 0xFF)) + bytes(37))
    medium.run(5_000)
    one.send(other.node, b"I did nothing")
    stopped(other.open(one.frames.pop()) == b"I did nothing")


PATIENT = check(
    "going on after a forged answer",
    CALLS,
    "if call.handshake or step == NO:",
    "if call.handshake or step:",
)


@attack(PATIENT)
def test_the_first_answer_counts_whoever_gave_it() -> None:
    """A race (DNS, IKE): a forged answer that comes first ends what is resumed."""
    medium, one, other = joined()
    one.boot()
    one.call(other.node)
    ask = one.said[0][1]
    forged = bytes((ask[0] + 1,)) + ask[1:4] + bytes(16)
    hear(one, other.node, forged)
    medium.run(5_000)
    stopped(not steps_of(medium, PROOF), "a handshake was brought about")
    assert steps_of(medium, PROOF + RESUMPTION)
    assert one.secret_for(other.node) == other.secret_for(one.node)
