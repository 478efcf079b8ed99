"""What a fleet's authority certifies, boards read; facts out of bounds it does not certify."""

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cma_toolkit.firmware.kernel.secure.certificate import Certificate
from cma_toolkit.host_tools.secure.certificates import certify
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from support.secure_parties import certified

PUBLIC, THUMBPRINT = b"\x11" * 32, b"\x22" * 16
FACTS = (11, 0x1234, 3, 7, THUMBPRINT)
AUTHORITY = Ed25519PrivateKey.generate()


def test_a_board_reads_what_the_authority_wrote() -> None:
    held = Certificate(certify(FACTS, PUBLIC, 99, AUTHORITY.sign))
    assert (held.node, held.network, held.roles, held.epoch, held.thumbprint) == FACTS
    assert (held.public, held.expires_s) == (PUBLIC, 99)
    public = AUTHORITY.public_key().public_bytes_raw()
    assert held.is_signed(public, PycaCrypto().verify)
    assert not held.is_signed(PUBLIC, PycaCrypto().verify)


def test_the_bytes_are_those_of_the_standards() -> None:
    data = certify(FACTS, PUBLIC, 99, AUTHORITY.sign)
    protected, unprotected, claims, signature = cbor2.loads(data)
    assert (cbor2.loads(protected), unprotected) == ({1: -8}, {})
    key = {1: 1, -1: 4, -2: PUBLIC}
    assert cbor2.loads(claims) == {4: 99, 8: {1: key}, -65537: list(FACTS)}
    signed = cbor2.dumps(["Signature1", protected, b"", claims])
    AUTHORITY.public_key().verify(signature, signed)  # raises if it is not


def test_tests_on_both_runtimes_use_the_same_bytes() -> None:
    changes = {"node": 11, "network": 0x1234, "roles": 3, "epoch": 7, "expires_s": 99}
    same = certified(AUTHORITY.sign, PUBLIC, thumbprint=THUMBPRINT, **changes)
    assert certify(FACTS, PUBLIC, 99, AUTHORITY.sign) == same


@pytest.mark.parametrize(
    ("facts", "public", "expires_s", "said"),
    [
        ((-1, 0, 0, 0, THUMBPRINT), PUBLIC, 0, "node -1 is not 0 to 1073741822"),
        (((1 << 30) - 1, 0, 0, 0, THUMBPRINT), PUBLIC, 0, "node"),
        ((1, 0x10000, 0, 0, THUMBPRINT), PUBLIC, 0, "network"),
        ((1, 0, 16, 0, THUMBPRINT), PUBLIC, 0, "roles"),
        ((1, 0, 0, 256, THUMBPRINT), PUBLIC, 0, "epoch"),
        ((1, 0, 0, 0, THUMBPRINT), PUBLIC, 1 << 32, "expires_s"),
        ((1, 0, 0, 0, THUMBPRINT[:15]), PUBLIC, 0, "a thumbprint 16"),
        ((1, 0, 0, 0, THUMBPRINT), PUBLIC[:31], 0, "a key has 32 bytes"),
    ],
)
def test_facts_out_of_their_bounds_are_not_certified(
    facts: tuple[int, int, int, int, bytes], public: bytes, expires_s: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        certify(facts, public, expires_s, AUTHORITY.sign)
