"""Whatever comes in place of a handshake's message is refused, and nothing else happens."""

from binascii import unhexlify

from kernel.codec.cbor import decode
from kernel.prng import Prng, seed_from
from kernel.secure import edhoc
from kernel.secure.edhoc import HandshakeError
from support.script import raises
from support.secure_parties import known_pair, shake


def test_messages_cut_anywhere_or_going_on_are_refused():
    one, other = known_pair(is_thrifty=True)
    messages = shake(one.side(other), other.side(one))
    for number in range(4):
        for size in range(len(messages[number])):
            _refuse(one, other, number, messages[number][:size])
        _refuse(one, other, number, messages[number] + b"\xff")
        if number:
            _refuse(one, other, number, messages[number] + b"\x00")


def test_random_bytes_are_refused():
    one, other = known_pair(is_thrifty=True)
    for seed in range(150):
        rng = Prng(seed_from(seed, "garbage"))
        data = bytes([rng.below(256) for _ in range(rng.below(300))])
        # Some begin as if they were right.
        front = (b"", b"\x03\x00\x58\x20", b"\x03", b"\x58\x2b")[seed & 3]
        for number in range(4):
            _refuse(one, other, number, front + data)


def test_what_is_too_long_is_refused_before_it_is_read():
    one, other = known_pair(is_thrifty=True)
    for number in range(4):
        _refuse(one, other, number, b"\x00" * 1_025)
        _refuse(one, other, number, b"\x59\x08\x00" + bytes(2_048))


def _refuse(one, other, number, data):
    # A first message may pass, if its key and identifier happen to be right; then nobody goes on.
    if number == 0:
        second = other.side(one)
        try:
            second.on_message_1(data)
        except HandshakeError:
            return
        raises(HandshakeError, second.on_message_3, data)
        return
    first, second = one.side(other), other.side(one)
    message_2 = second.on_message_1(first.message_1())
    if number == 1:
        raises(HandshakeError, first.on_message_2, data)
        assert first.exporter is None
        return
    message_3 = first.on_message_2(message_2)
    if number == 2:
        raises(HandshakeError, second.on_message_3, data)
        assert second.exporter is None
        return
    second.on_message_3(message_3)
    raises(HandshakeError, first.on_message_4, data)


def test_the_published_messages_that_are_none_are_refused():
    # RFC 9529, section 4: of suite 2, which the responder here is told to be its own.
    one, other = known_pair(is_thrifty=True)
    for text in (
        "8403025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        "03025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa9410e",
        "0381025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        "0302782020616972207370656564206f66206120756e6c6164656e207377616c6c6f77200e",
        # And of what it has no bytes: a key of another length, heads longer than they need be,
        # arrays of no stated length.
        "030258" + "1f" + "11" * 31 + "0e",
        "030258" + "21" + "11" * 33 + "0e",
        "18030258" + "20" + "11" * 32 + "0e",
        "03180258" + "20" + "11" * 32 + "0e",
        "0302590020" + "11" * 32 + "0e",
        "03025f5820" + "11" * 32 + "ff0e",
        "039f0602ff5820" + "11" * 32 + "0e",
        "030258" + "20" + "11" * 32 + "180e",
    ):
        second = other.side(one)
        second._suites = (2,)
        error = raises(HandshakeError, second.on_message_1, unhexlify(text))
        assert error.message == b"\x01\x60", text
    second = other.side(one)
    second._suites = (2,)
    second.on_message_1(unhexlify("030258" + "20" + "11" * 32 + "0e"))


def test_identifiers_have_one_form():
    for number in range(256):
        identifier = bytes((number,))
        item = edhoc.write_identifier(identifier)
        is_integer = number < 0x18 or 0x20 <= number < 0x38
        assert item == (identifier if is_integer else b"\x41" + identifier)
        (value,), more = edhoc.read_items(item, 1)
        assert not more
        assert edhoc.read_identifier(value) == identifier
        if is_integer:
            raises(HandshakeError, edhoc.read_identifier, identifier)
    for identifier in (b"", b"\x00\x00", b"abc" * 20):
        assert edhoc.read_identifier(decode(edhoc.write_identifier(identifier))) == (identifier)
    for value in (24, -25, 1 << 70, True, None, "a", [], {}):
        raises(HandshakeError, edhoc.read_identifier, value)


def test_references_have_one_form():
    for key_id in (b"", b"\x00", b"\x18", b"\x37", b"\x38", b"kid", b"x" * 23):
        reference = edhoc.by_key_id(key_id)
        assert edhoc.key_id_of(reference) == key_id
        item = edhoc.write_reference(reference)
        assert edhoc.read_reference(decode(item)) == reference
    # A map of a key id alone, as a whole, says the same in more bytes.
    raises(HandshakeError, edhoc.read_reference, {4: b"\x00"})
    raises(HandshakeError, edhoc.read_reference, {})
    whole = {13: [b"", {}, b"", b""]}
    for held in ({4: b"\x00", 13: b"x"}, whole, {4: 7}, {34: [-15, b"12345678"]}):
        reference = edhoc.read_reference(held)
        assert edhoc.key_id_of(reference) is None
        assert edhoc.write_reference(reference) == reference
    for value in ("kid", True, None, [4], 24):
        raises(HandshakeError, edhoc.read_reference, value)


def test_another_method_is_refused_before_anything_is_computed():
    one, other = known_pair()
    message = one.side(other).message_1()
    for method in (b"\x00", b"\x02", b"\x04", b"\xf4", b"\x41\x03"):
        raises(HandshakeError, other.side(one).on_message_1, method + message[1:])


def test_after_a_wrong_message_the_right_one_comes_too_late():
    for wrong in (lambda message: b"\x00", lambda message: message[:-1] + b"\x00"):
        one, other = known_pair()
        first, second = one.side(other), other.side(one)
        message_2 = second.on_message_1(first.message_1())
        assert wrong(message_2) != message_2
        raises(HandshakeError, first.on_message_2, wrong(message_2))
        raises(HandshakeError, first.on_message_2, message_2)
