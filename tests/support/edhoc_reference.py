"""EDHOC once more, from the text of RFC 9528 alone, over PyCA and cbor2, to hold ours against.

It knows both sides' secrets and computes a whole session at once, message by message, where ours
are two machines that know half each. Nothing of the kernel is imported.
"""

import hashlib
import hmac
from dataclasses import dataclass

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CURVE = ec.SECP256R1()


@dataclass(frozen=True)
class Party:
    """One side: its keys, how it is called, and what it adds to its messages."""

    ephemeral: bytes
    authentication: bytes
    identifier: bytes
    id_cred: bytes
    cred: bytes
    ead: tuple[bytes, bytes] = (b"", b"")


@dataclass(frozen=True)
class Session:
    """All that a session leaves."""

    messages: tuple[bytes, bytes, bytes, bytes]
    out: bytes
    exporter: bytes

    def export(self, label: int, context: bytes, length: int) -> bytes:
        """Return EDHOC_Exporter (section 4.2.1)."""
        return kdf(self.exporter, label, context, length)

    def updated(self, context: bytes) -> "Session":
        """Return the session after EDHOC_KeyUpdate (appendix H)."""
        out = kdf(self.out, 11, context, 32)
        return Session(self.messages, out, exported_by(out))


def session(method: int, suites: list[int], initiator: Party, responder: Party) -> Session:
    """Return the session that two parties have, by section 5."""
    suite = suites[-1]
    does_initiator_sign, does_responder_sign = method in (0, 1), method in (0, 2)
    x, y = initiator.ephemeral, responder.ephemeral
    g_x, g_y = _public(suite, x), _public(suite, y)
    c_i, c_r = _byte_identifier(initiator.identifier), _byte_identifier(responder.identifier)

    message_1 = (
        _seq(method, suites if len(suites) > 1 else suites[0], g_x) + c_i + initiator.ead[0]
    )

    th_2 = _hash(_seq(g_y, _hash(message_1)))
    prk_2e = _extract(th_2, _shared(suite, x, g_y))
    prk_3e2m = prk_2e
    if not does_responder_sign:
        salt_3e2m = kdf(prk_2e, 1, th_2, 32)
        g_r = _public(suite, responder.authentication)
        prk_3e2m = _extract(salt_3e2m, _shared(suite, x, g_r))
    context_2 = c_r + responder.id_cred + _seq(th_2) + responder.cred + responder.ead[0]
    mac_2 = kdf(prk_3e2m, 2, context_2, 32 if does_responder_sign else 8)
    proof_2 = mac_2
    if does_responder_sign:
        aad = _seq(th_2) + responder.cred + responder.ead[0]
        proof_2 = _sign(suite, responder, aad, mac_2)
    plaintext_2 = c_r + _short_id_cred(responder.id_cred) + _seq(proof_2) + responder.ead[0]
    keystream = kdf(prk_2e, 0, th_2, len(plaintext_2))
    message_2 = _seq(g_y + bytes(a ^ b for a, b in zip(plaintext_2, keystream, strict=True)))

    th_3 = _hash(_seq(th_2) + plaintext_2 + responder.cred)
    prk_4e3m = prk_3e2m
    if not does_initiator_sign:
        salt_4e3m = kdf(prk_3e2m, 5, th_3, 32)
        g_i = _public(suite, initiator.authentication)
        prk_4e3m = _extract(salt_4e3m, _shared(suite, y, g_i))
    context_3 = initiator.id_cred + _seq(th_3) + initiator.cred + initiator.ead[1]
    mac_3 = kdf(prk_4e3m, 6, context_3, 32 if does_initiator_sign else 8)
    proof_3 = mac_3
    if does_initiator_sign:
        aad = _seq(th_3) + initiator.cred + initiator.ead[1]
        proof_3 = _sign(suite, initiator, aad, mac_3)
    plaintext_3 = _short_id_cred(initiator.id_cred) + _seq(proof_3) + initiator.ead[1]
    message_3 = _encrypt(prk_3e2m, 3, th_3, plaintext_3)

    th_4 = _hash(_seq(th_3) + plaintext_3 + initiator.cred)
    message_4 = _encrypt(prk_4e3m, 8, th_4, responder.ead[1])
    out = kdf(prk_4e3m, 7, th_4, 32)
    return Session((message_1, message_2, message_3, message_4), out, exported_by(out))


def exported_by(out: bytes) -> bytes:
    """Return PRK_exporter, of which EDHOC_Exporter makes keys (section 4.2.1)."""
    return kdf(out, 10, b"", 32)


def _seq(*items: object) -> bytes:
    return b"".join(cbor2.dumps(item) for item in items)


def _byte_identifier(identifier: bytes) -> bytes:
    # Section 3.3.2: who looks like an integer of one byte travels as one.
    try:
        number = cbor2.loads(identifier)
    except cbor2.CBORError:
        return _seq(identifier)
    is_integer = isinstance(number, int) and not isinstance(number, bool)
    if len(identifier) == 1 and is_integer and -24 <= number <= 23:
        return identifier
    return _seq(identifier)


def _short_id_cred(id_cred: bytes) -> bytes:
    # Section 3.5.3.2: of a key id alone only the identifier travels.
    held = cbor2.loads(id_cred)
    return _byte_identifier(held[4]) if list(held) == [4] else id_cred


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt, ikm, "sha256")


def kdf(prk: bytes, label: int, context: bytes, length: int) -> bytes:
    """Return EDHOC_KDF (section 4.1.2)."""
    info = _seq(label, context, length)
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(prk)


def _encrypt(prk: bytes, label: int, th: bytes, plaintext: bytes) -> bytes:
    key, nonce = kdf(prk, label, th, 16), kdf(prk, label + 1, th, 13)
    associated = cbor2.dumps(["Encrypt0", b"", th])
    return _seq(AESCCM(key, tag_length=8).encrypt(nonce, plaintext, associated))


def _p256(private: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private, "big"), CURVE)


def _public(suite: int, private: bytes) -> bytes:
    if suite == 2:
        return _p256(private).public_key().public_numbers().x.to_bytes(32, "big")
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _shared(suite: int, private: bytes, public: bytes) -> bytes:
    if suite == 2:
        point = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, b"\x03" + public)
        return _p256(private).exchange(ec.ECDH(), point)
    their = X25519PublicKey.from_public_bytes(public)
    return X25519PrivateKey.from_private_bytes(private).exchange(their)


def _sign(suite: int, party: Party, aad: bytes, mac: bytes) -> bytes:
    message = cbor2.dumps(["Signature1", party.id_cred, aad, mac])
    if suite == 2:
        # As RFC 6979 has it, so that a session is the same each time.
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = utils.decode_dss_signature(_p256(party.authentication).sign(message, algorithm))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return Ed25519PrivateKey.from_private_bytes(party.authentication).sign(message)
