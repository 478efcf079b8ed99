"""Two boards that know each other, or their fleet's authority, agree on keys; nobody else does."""

from kernel.secure.edhoc import ERROR_CREDENTIAL, ERROR_SUITE, HandshakeError, key_id_of
from support.script import raises
from support.secure_parties import IDENTIFIERS, Fleet, known_pair, shake

FRAME_PAYLOAD_BYTES_MAX = 236


def _secret(side):
    return side.exporter.export(0, b"", 16)


def test_two_that_know_each_other_agree_in_101_bytes():
    one, other = known_pair()
    first, second = one.side(other), other.side(one)
    messages = shake(first, second)
    assert [len(message) for message in messages] == [37, 45, 19, 9]
    assert _secret(first) == _secret(second)
    assert len(_secret(first)) == 16
    assert first.peer.value == other.certificate and second.peer.value == one.certificate


def test_strangers_agree_by_their_certificates_each_message_in_one_frame():
    fleet = Fleet()
    one = fleet.board((1 << 30) - 2, roles=15, epoch=255)
    other = fleet.board((1 << 30) - 3, roles=15, epoch=255)
    first, second = one.side(other, False), other.side(one, False)
    messages = shake(first, second)
    assert [len(message) for message in messages] == [37, 204, 179, 9]
    assert max(len(message) for message in messages) <= FRAME_PAYLOAD_BYTES_MAX
    assert _secret(first) == _secret(second)


def test_each_handshake_has_keys_of_its_own_and_each_purpose_too():
    one, other = known_pair()
    seen = []
    for _ in range(3):
        first, second = one.side(other), other.side(one)
        shake(first, second)
        for label, context in ((0, b""), (1, b""), (0, b"x")):
            seen.append(first.exporter.export(label, context, 16))
    assert len(set(seen)) == len(seen)


def test_the_directions_have_different_identifiers_whatever_the_other_side_chose():
    one, other = known_pair()
    for identifier in (b"\x05", b"\x06", b"\x00", b"\x37", b"\x18", b"ab", b""):
        first = one.side(other, identifiers=(identifier, identifier))
        second = other.side(one)
        shake(first, second)
        assert first.own_identifier == second.peer_identifier == identifier
        assert first.peer_identifier == second.own_identifier
        assert second.own_identifier in IDENTIFIERS
        assert second.own_identifier != identifier


def test_an_answer_with_our_own_identifier_is_refused():
    one, other = known_pair()
    first = one.side(other)
    liar = other.side(one, identifiers=(b"\x05", b"\x05"))
    message_2 = liar.on_message_1(first.message_1())
    raises(HandshakeError, first.on_message_2, message_2)
    assert first.exporter is None


def test_a_flipped_bit_anywhere_ends_the_handshake_on_one_side():
    # Each byte of each message, with one of its bits, all of them in the first two bytes.
    one, other = known_pair(is_thrifty=True)
    for number in range(4):
        size = (37, 45, 19, 9)[number]
        bits = range(16) if number == 0 else ()
        for bit in list(bits) + [8 * at + at % 8 for at in range(0 if number else 2, size)]:
            first, second = one.side(other), other.side(one)
            raises(HandshakeError, _shake_with_flip, first, second, number, bit)


def _shake_with_flip(first, second, number, bit):
    message_1 = _flipped(first.message_1(), number == 0, bit)
    message_2 = _flipped(second.on_message_1(message_1), number == 1, bit)
    message_3 = _flipped(first.on_message_2(message_2), number == 2, bit)
    second.on_message_3(message_3)
    first.on_message_4(_flipped(second.message_4(), number == 3, bit))


def _flipped(message, is_hit, bit):
    if not is_hit:
        return message
    changed = bytearray(message)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def test_who_has_the_certificate_but_not_the_key_is_refused_on_both_sides():
    one, other = known_pair()
    thief = one.fleet.board(other.node)
    thief.certificate = other.certificate
    thief.meets(one)
    first, second = one.side(other), thief.side(one)
    message_2 = second.on_message_1(first.message_1())
    raises(HandshakeError, first.on_message_2, message_2)
    thief.node, thief.certificate = one.node, one.certificate
    thief.meets(other)
    first, second = thief.side(other), other.side(one)
    message_3 = first.on_message_2(second.on_message_1(first.message_1()))
    raises(HandshakeError, second.on_message_3, message_3)
    assert second.exporter is None


def test_who_talks_to_itself_is_refused():
    one, _ = known_pair()
    one.meets(one)
    first, second = one.side(one), one.side(one)
    message_2 = second.on_message_1(first.message_1())
    raises(HandshakeError, first.on_message_2, message_2)


def test_an_unknown_key_id_is_said_so():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    first, second = one.side(other), other.side(one)
    message_2 = second.on_message_1(first.message_1())
    error = raises(HandshakeError, first.on_message_2, message_2)
    assert (error.code, error.message) == (ERROR_CREDENTIAL, b"\x03\xf5")
    one.meets(other)
    first, second = one.side(other), other.side(one)
    message_3 = first.on_message_2(second.on_message_1(first.message_1()))
    assert raises(HandshakeError, second.on_message_3, message_3).code == ERROR_CREDENTIAL


def test_messages_out_of_order_or_twice_are_refused():
    one, other = known_pair()
    first, second = one.side(other), other.side(one)
    raises(HandshakeError, first.on_message_2, b"")
    raises(HandshakeError, first.on_message_4, b"")
    raises(HandshakeError, second.on_message_3, b"")
    raises(HandshakeError, second.message_4)
    message_1, message_2, message_3, message_4 = shake(first, second)
    raises(HandshakeError, first.message_1)
    raises(HandshakeError, first.on_message_2, message_2)
    raises(HandshakeError, first.on_message_4, message_4)
    raises(HandshakeError, second.on_message_1, message_1)
    raises(HandshakeError, second.on_message_3, message_3)
    raises(HandshakeError, second.message_4)


def test_what_was_said_before_is_of_no_use_again():
    one, other = known_pair()
    _, old_2, old_3, old_4 = shake(one.side(other), other.side(one))
    first, second = one.side(other), other.side(one)
    message_1 = first.message_1()
    second.on_message_1(message_1)
    raises(HandshakeError, second.on_message_3, old_3)
    raises(HandshakeError, first.on_message_2, old_2)
    first, second = one.side(other), other.side(one)
    second.on_message_3(first.on_message_2(second.on_message_1(first.message_1())))
    raises(HandshakeError, first.on_message_4, old_4)


def test_the_suite_must_be_the_first_of_theirs_that_we_have():
    one, other = known_pair(is_thrifty=True)
    message = one.side(other).message_1()
    cases = (
        (b"\x00", True),
        (b"\x02", False),
        (b"\x82\x02\x00", True),
        (b"\x82\x06\x00", True),
        (b"\x82\x00\x02", False),
        (b"\x82\x00\x00", True),
        (b"\x82\x02\x06", False),
        (b"\x88" + b"\x06" * 7 + b"\x00", True),
    )
    for suites, is_taken in cases:
        second = other.side(one)
        changed = message[:1] + suites + message[2:]
        if is_taken:
            second.on_message_1(changed)
        else:
            error = raises(HandshakeError, second.on_message_1, changed)
            assert (error.code, error.message) == (ERROR_SUITE, b"\x02\x00"), suites
    for suites in (
        b"\x80",
        b"\x81\x00",
        b"\x82\x00\xf4",
        b"\x40",
        b"\xf4",
        b"\x89" + b"\x06" * 8 + b"\x00",
    ):
        error = raises(
            HandshakeError, other.side(one).on_message_1, message[:1] + suites + message[2:]
        )
        assert error.message == b"\x01\x60", suites


def test_a_key_without_a_secret_is_refused():
    one, other = known_pair(is_thrifty=True)
    first, second = one.side(other), other.side(one)
    message_1 = first.message_1()
    for point in (bytes(32), b"\x01" + bytes(31)):
        raises(HandshakeError, other.side(one).on_message_1, message_1[:4] + point + b"\x05")
    message_2 = second.on_message_1(message_1)
    raises(HandshakeError, first.on_message_2, message_2[:2] + bytes(32) + message_2[34:])


def test_authorization_data_that_we_need_not_understand_is_heard_and_bound():
    one, other = known_pair(is_thrifty=True)
    message = one.side(other).message_1()
    plain = other.side(one)
    plain.on_message_1(message)
    fill = 1_024 - len(message)
    longest = b"\x00\x59" + bytes(((fill - 4) >> 8, (fill - 4) & 0xFF)) + bytes(fill - 4)
    for data in (longest, b"\x00", b"\x17\x41a", b"\x00\x40\x00\x40", b"\x00" * 8):
        second = other.side(one)
        second.on_message_1(message + data)
        # It is part of the transcript: both sides must have seen the same.
        assert second._transcript != plain._transcript
    for data in (b"\x20", b"\x20\x41a", b"\x41a", b"\x00\x40\x40", b"\x60", b"\xf4", b"\x00" * 9):
        raises(HandshakeError, other.side(one).on_message_1, message + data)


def test_a_key_id_is_one_byte_in_a_message():
    one, _ = known_pair()
    reference = one.own(True).reference
    assert len(key_id_of(reference)) == 1
    assert len(reference) == 4
