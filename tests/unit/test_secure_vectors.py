"""Public vectors of every primitive, and forgeries that nobody may take for genuine."""

from kernel.secure import ed25519
from support.crypto_vectors import (
    PRIME,
    SMALL_ORDER,
    answers,
    check_iterated,
    forged_signatures,
    load,
    refuses_point,
)


def check(kind, count):
    found = answers(kind, load()[kind])
    assert found == [True] * count, found


def test_agreement_as_in_rfc_7748():
    check("x25519", 3)


def test_signatures_as_in_rfc_8032():
    check("ed25519", 8)


def test_codes_as_in_rfc_4231():
    check("hmac", 6)


def test_derived_keys_as_in_rfc_5869():
    check("hkdf", 3)


def test_long_digests_as_in_fips_180():
    check("sha512", 11)


def test_sealing_as_in_rfc_3610_and_sp_800_38c():
    check("ccm", 54)


def test_points_of_small_order_lead_to_no_secret():
    for point in SMALL_ORDER:
        assert refuses_point(point, 0) and refuses_point(point, 1), point
    assert not refuses_point(9, 0)


def test_a_key_has_one_form():
    # The point above 3 is on the curve, and is no other for a p more.
    for sign in (0, 1 << 255):
        assert ed25519._decode((3 | sign).to_bytes(32, "little"))
        assert not ed25519._decode((3 + PRIME | sign).to_bytes(32, "little"))
        # That above 0 is on the curve, too.
        assert ed25519._decode(sign.to_bytes(32, "little"))
        assert not ed25519._decode((PRIME | sign).to_bytes(32, "little"))


def test_what_is_on_no_curve_is_no_key():
    # Of the second coordinates these are on the curve, by Euler's criterion.
    found = [y for y in range(2, 12) if ed25519._decode(y.to_bytes(32, "little"))]
    assert found == [3, 4, 5, 6, 9, 10]


def test_the_function_fed_with_its_own_result():
    assert check_iterated(1)


def test_no_forged_signature_is_taken():
    for why, public, message, signature in forged_signatures():
        assert not ed25519.verify(public, message, signature), why
