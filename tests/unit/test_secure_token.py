"""What a board says runs on it: in one frame, believed once, from whom it was asked, in time."""

from kernel.codec.cbor import Tag, decode, encode
from kernel.secure.token import (
    ANSWER_MS_MAX,
    TOKEN_BYTES_MAX,
    Challenge,
    claims_in,
    claims_of,
    coded,
    signed,
    token_key,
)
from kernel.ticks import TICKS_PERIOD
from support import crypto
from support.protected import secret

MAC = b"\x02\x00\x00\x00\x00\x07"
NONCE = b"question"
DIGESTS = (b"s" * 32, b"c" * 16, b"m" * 16)
KEY = token_key(secret(1))


def token(nonce=NONCE, key=KEY):
    """Return a coded token."""
    return coded(key, claims_of(nonce, MAC, *DIGESTS))


def test_a_coded_token_says_what_was_measured():
    assert claims_in(token(), KEY) == (NONCE, MAC) + DIGESTS
    assert len(token()) <= 160


def test_longer_digests_are_cut():
    made = coded(KEY, claims_of(NONCE, MAC, b"s" * 40, b"c" * 32, b"m" * 32))
    assert made == token()


def test_a_signed_token_is_believed_with_the_signers_key_only():
    port = crypto.make()
    made = signed(port, secret(2) * 2, claims_of(NONCE, MAC, *DIGESTS))
    assert len(made) <= 200
    public, other = port.signer_of(secret(2) * 2), port.signer_of(secret(3) * 2)
    assert claims_in(made, crypto=port, public=public) == (NONCE, MAC) + DIGESTS
    assert claims_in(made, crypto=port, public=other) is None
    assert claims_in(made, crypto=port, public=b"") is None
    assert claims_in(made, KEY) is None  # one form is not taken for the other
    assert claims_in(token(), crypto=port, public=public) is None
    assert claims_in(made) is None


def test_no_flipped_bit_and_no_cut_is_believed():
    made = token()
    for bit in range(8 * len(made)):
        changed = bytearray(made)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert claims_in(changed, KEY) is None, bit
    for size in range(len(made)):
        assert claims_in(made[:size], KEY) is None
    assert claims_in(made + b"\x00", KEY) is None
    assert claims_in(made, token_key(secret(9))) is None


def test_what_is_genuine_but_no_token_of_ours_is_refused():
    """The holder of the key may send anything."""
    claims = decode(claims_of(NONCE, MAC, *DIGESTS))
    wrong = [b"", b"\xa0", encode([1]), encode(7), encode({}), b"\xff"]
    for key in (10, 256, 262, 263, 273):
        wrong.append(encode({each: claims[each] for each in claims if each != key}, 226))
    for key, value in (
        (10, b"short"),
        (10, 5),
        (256, b"\x01" + MAC),
        (256, b""),
        (262, True),
        (263, 3),
        (273, []),
        (273, [[65_000, b"\x00"]]),
        (273, [[65_001, claims[273][0][1]]]),
        (273, [[65_000, encode([b"", b"", b"", b""])]]),
        (273, [[65_000, encode([1, 2, 3])]]),
        (11, 1),
    ):
        changed = {each: claims[each] for each in claims}
        changed[key] = value
        wrong.append(encode(changed, 226))
    for payload in wrong:
        assert claims_in(coded(KEY, payload), KEY) is None, payload


def test_no_form_but_ours_is_read():
    protected, _, claims, proof = decode(token()).value
    for parts in (
        [protected, {1: 5}, claims, proof],
        [b"", {}, claims, proof],
        [b"\xa1\x01\x04", {}, claims, proof[:8]],
        [protected, {}, claims, b""],
        [protected, {}, claims],
        {1: 2},
        None,
    ):
        assert claims_in(encode(Tag(17, parts), TOKEN_BYTES_MAX), KEY) is None
    assert claims_in(encode([protected, {}, claims, proof], TOKEN_BYTES_MAX), KEY) is None


def test_a_question_is_answered_once_by_whom_it_was_put_to_and_in_time():
    start = TICKS_PERIOD - 100
    challenge = Challenge(start, MAC, NONCE)
    assert not challenge.take(start, b"another!", MAC)
    assert not challenge.take(start, NONCE, b"\x02" * 6)
    assert not challenge.take(start, b"", b"")
    assert challenge.take(start + 50, NONCE, MAC)
    assert not challenge.take(start + 60, NONCE, MAC)
    assert not challenge.take(start + 60, b"", b"")
    for late, expected in ((ANSWER_MS_MAX, True), (ANSWER_MS_MAX + 1, False), (-1, False)):
        challenge = Challenge(start, MAC, NONCE)
        assert challenge.take((start + late) % TICKS_PERIOD, NONCE, MAC) is expected
