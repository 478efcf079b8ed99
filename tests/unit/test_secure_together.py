"""From a handshake to frames, over a sleep and a loss of power: what each part leaves the next."""

from kernel.secure.resumption import Resumption, keep
from kernel.secure.session import PROVES_SENDER, REFUSED_FORGED, REFUSED_NO_KEY
from kernel.secure.token import Challenge, claims_in, claims_of, coded, token_key
from support.protected import Member
from support.secure_parties import known_pair, shake

_MASTER_SECRET = 0  # the label of RFC 9528, appendix A
MAC = b"\x02\x00\x00\x00\x00\x0b"


def install(member, peer, exporter):
    """Begin a session with what a handshake left."""
    assert member.protection.install(peer.node, exporter.export(_MASTER_SECRET, b"", 16))


def test_a_handshake_a_sleep_a_loss_of_power_and_a_resumption():
    boards = known_pair()
    one, other = members = [Member(board.node) for board in boards]
    sides = [board.side(peer) for board, peer in zip(boards, reversed(boards))]
    shake(*sides)
    for member, peer, side in zip(members, reversed(members), sides):
        install(member, peer, side.exporter)
    assert other.opened(one.sealed(other.node, b"hello")) == b"hello"

    one.sleep()
    before = one.sealed(other.node, b"awake")
    assert other.opened(before) == b"awake" and other.protection.proves == PROVES_SENDER

    one.start()
    assert one.opened(other.sealed(one.node)) == REFUSED_NO_KEY
    asking, asked = [
        Resumption(keep(side.exporter), nonce)
        for side, nonce in zip(sides, (b"new nonc", b"another!"))
    ]
    asked.on_proof(asking.on_answer(asked.on_ask(asking.ask())))
    for member, peer, resumed in ((one, other, asking), (other, one, asked)):
        install(member, peer, resumed.exporter)
    assert other.opened(before) == REFUSED_FORGED
    assert one.opened(other.sealed(one.node, b"again")) == b"again"


def test_a_question_and_its_answer_in_one_frame_each():
    boards = known_pair()
    one, other = members = [Member(board.node) for board in boards]
    sides = [board.side(peer) for board, peer in zip(boards, reversed(boards))]
    shake(*sides)
    for member, peer, side in zip(members, reversed(members), sides):
        install(member, peer, side.exporter)
    challenge = Challenge(0, MAC, b"question")
    nonce = one.opened(other.sealed(one.node, b"question"))
    digests = (b"s" * 32, b"c" * 16, b"m" * 16)
    key = token_key(one.protection.sessions.secret_for(other.node))
    answer = other.opened(one.sealed(other.node, coded(key, claims_of(nonce, MAC, *digests))))
    key = token_key(other.protection.sessions.secret_for(one.node))
    found = claims_in(answer, key)
    assert found == (b"question", MAC) + digests
    assert challenge.take(1_000, found[0], found[1])
