"""New keys without key agreement: for who kept what a handshake left, and for nobody else."""

from kernel.secure import resumption
from kernel.secure.edhoc import Exporter, HandshakeError
from kernel.secure.resumption import Resumption
from support.script import raises
from support.secure_parties import known_pair, shake

KEPT = b"\x55" * 32
ONE, TWO = b"12345678", b"abcdefgh"


def _sides(kept=KEPT, other_kept=KEPT, one=ONE, two=TWO):
    return Resumption(kept, one), Resumption(other_kept, two)


def _resume(first, second, number=-1, bit=0):
    # Hand over three messages, one of them with a bit flipped.
    messages = []

    def carry(message):
        messages.append(message)
        if len(messages) - 1 != number:
            return message
        changed = bytearray(message)
        changed[bit >> 3] ^= 1 << (bit & 7)
        return bytes(changed)

    asked = carry(first.ask())
    answer = carry(second.on_ask(asked))
    second.on_proof(carry(first.on_answer(answer)))
    return messages


def test_both_sides_have_the_same_new_keys_after_40_bytes():
    first, second = _sides()
    messages = _resume(first, second)
    assert [len(message) for message in messages] == [16, 16, 8]
    secret = first.exporter.export(0, b"", 16)
    assert second.exporter.export(0, b"", 16) == secret
    assert secret != Exporter(KEPT).export(0, b"", 16)


def test_a_nonce_of_either_side_makes_other_keys():
    secrets = []
    for one in (ONE, b"1234567x"):
        for two in (TWO, b"abcdefgx"):
            first, second = _sides(one=one, two=two)
            _resume(first, second)
            secrets.append(first.exporter.export(0, b"", 16))
    assert len(set(secrets)) == 4


def test_what_is_kept_follows_from_the_handshake_and_is_not_its_keys():
    one, other = known_pair()
    first, second = one.side(other), other.side(one)
    shake(first, second)
    kept = resumption.keep(first.exporter)
    assert kept == resumption.keep(second.exporter) and len(kept) == 32
    assert kept[:16] != first.exporter.export(0, b"", 16)


def test_a_flipped_bit_anywhere_is_refused():
    for number, size in ((0, 16), (1, 16), (2, 8)):
        for at in range(size):
            first, second = _sides()
            raises(HandshakeError, _resume, first, second, number, 8 * at + at % 8)


def test_who_kept_something_else_is_refused_on_both_sides():
    first, second = _sides(other_kept=b"\x56" * 32)
    raises(HandshakeError, second.on_ask, first.ask())
    # Who answers without knowing: a naive one that does not check, to see the asker refuse.
    first, second = _sides()
    liar = Resumption(b"\x56" * 32, TWO)
    asked = first.ask()
    liar._nonces, liar._next = asked[:8], 2
    raises(HandshakeError, first.on_answer, liar._step(2, None, TWO, 3))
    assert first.exporter is None and second.exporter is None


def test_what_was_said_before_is_of_no_use_again():
    first, second = _sides()
    asked, answer, proof = _resume(first, second)
    again = Resumption(KEPT, b"another!")
    again.on_ask(asked)  # a replay may be answered, but
    raises(HandshakeError, again.on_proof, proof)  # nobody can go on
    assert again.exporter is None
    first = Resumption(KEPT, b"thirdone")
    first.ask()
    raises(HandshakeError, first.on_answer, answer)


def test_our_own_words_come_back_in_vain():
    first, _ = _sides()
    asked = first.ask()
    raises(HandshakeError, first.on_answer, asked)
    first, second = _sides()
    answer = second.on_ask(first.ask())
    raises(HandshakeError, second.on_proof, answer)


def test_messages_out_of_order_cut_or_going_on_are_refused():
    first, second = _sides()
    raises(HandshakeError, first.on_answer, b"")
    raises(HandshakeError, second.on_proof, b"")
    messages = _resume(*_sides())
    for number in range(3):
        for data in [messages[number][:size] for size in range(len(messages[number]))] + [
            messages[number] + b"\x00",
            bytes(len(messages[number])),
        ]:
            first, second = _sides()
            asked = first.ask()
            if number == 0:
                raises(HandshakeError, second.on_ask, data)
                continue
            answer = second.on_ask(asked)
            if number == 1:
                raises(HandshakeError, first.on_answer, data)
            else:
                raises(HandshakeError, second.on_proof, data)
            assert answer == messages[1]
    first, _ = _sides()
    first.ask()
    raises(HandshakeError, first.ask)


def test_what_is_over_does_not_begin_anew():
    first, second = _sides()
    _resume(first, second)
    raises(HandshakeError, first.ask)
    raises(HandshakeError, second.ask)
    raises(HandshakeError, second.on_ask, Resumption(KEPT, b"87654321").ask())
