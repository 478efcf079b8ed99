"""Whether the kernel's cryptography answers public vectors as it must, on both runtimes.

A vector counts if it gives what it must, and if nothing passes for it that it is not: with a bit
of each part flipped it is refused. As a program, `crypto_vectors.py FILE` prints in one line which
vectors of a file count, kind by kind.

Shape    FILE is a map from kind to vectors, whose parts are in hexadecimal: `vectors/secure.json`
Source   RFC 3610, 4231, 5869, 7748, 8032; NIST's vectors of SP 800-38C and FIPS 180-4
"""

import json
from binascii import unhexlify

from kernel.secure import ed25519, kdf, x25519
from kernel.secure.aead import seal, unseal
from kernel.secure.ccm import Ccm
from kernel.secure.sha512 import sha512
from support.crypto import make

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "vectors/secure.json"
PORT = make()

PRIME = (1 << 255) - 19
EIGHT = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
ITERATED = {
    1: "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    1_000: "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
}
# First coordinates of points of small order, on the curve and its twist, in every form that the
# 255 bits of a public key have: 0, 1, those of order 8, and -1, p, p + 1.
SMALL_ORDER = (0, 1, EIGHT[0], EIGHT[1], PRIME - 1, PRIME, PRIME + 1)


def load(path: str = "") -> "Any":
    """Return all vectors, kind by kind."""
    with open(path or __file__.rpartition("/")[0] + "/" + FILE) as file:
        return json.loads(file.read())


def flipped(data: bytes, bit: int) -> bytes:
    """Return the bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def check_x25519(scalar: bytes, public: bytes, secret: bytes) -> bool:
    """Agree, and with another point; the upper bit of a key does not count."""
    return (
        x25519.agree(scalar, public) == secret
        and x25519.agree(scalar, flipped(public, 255)) == secret
        and x25519.agree(flipped(scalar, 0), public) == secret
        and x25519.agree(scalar, flipped(public, 0)) != secret
        and x25519.agree(flipped(scalar, 3), public) != secret
    )


def check_ed25519(private: bytes, public: bytes, message: bytes, signature: bytes) -> bool:
    """Make the key and the signature, verify it, and refuse it when anything of it changed."""
    wrong = [
        (flipped(public, 8), message, signature),
        (public, flipped(message, 0) if message else b"\0", signature),
        (public, message, flipped(signature, 100)),
        (public, message, flipped(signature, 300)),
    ]
    return (
        ed25519.public_of(private) == public
        and ed25519.sign(private, message) == signature
        and ed25519.verify(public, message, signature)
        and not any([ed25519.verify(*one) for one in wrong])
    )


def check_hmac(key: bytes, message: bytes, code: bytes) -> bool:
    """Make the code, in one part and in two."""
    made = kdf.hmac(key, message)
    return (
        kdf.same(made, code)
        and kdf.hmac(key, message[:3], message[3:]) == code
        and not kdf.same(kdf.hmac(flipped(key, 0), message), code)
        and not kdf.same(kdf.hmac(key, flipped(message, 0)), code)
    )


def check_hkdf(secret: bytes, salt: bytes, info: bytes, key: bytes, made: bytes) -> bool:
    """Extract and expand; `key` is empty where a vector does not tell it."""
    found = kdf.extract(salt, secret)
    return (
        found == (key or found)
        and kdf.expand(found, info, len(made)) == made
        and kdf.expand(found, info, 1) == made[:1]
        and kdf.expand(found, info + b"\0", len(made)) != made
    )


def check_sha512(message: bytes, digest: bytes) -> bool:
    """Hash, in one part and in two."""
    return sha512(message) == digest and sha512(message[:5], message[5:]) == digest


def check_ccm(  # noqa: PLR0917 - the parts of a vector
    key: bytes,
    nonce: bytes,
    aad: bytes,
    plaintext: bytes,
    sealed: bytes,
    tag_bytes: int,
    is_genuine: int,
) -> bool:
    """Seal and open, and refuse a flipped bit of any part; or refuse what is not genuine."""
    # A chain that has begun must not matter, so the key is used twice.
    aead = Ccm(key, PORT, tag_bytes)
    if not is_genuine:
        return unseal(aead, nonce, aad, sealed) is unseal(aead, nonce, aad, sealed) is None
    buffer = bytearray(plaintext) + bytes(tag_bytes)
    end = aead.seal(nonce, aad, buffer, 0, len(plaintext))
    wrong = [
        (flipped(nonce, 103), aad, sealed),
        (nonce, flipped(aad, 0) if aad else b"\0", sealed),
        (nonce, aad + b"\0", sealed),
        (nonce, aad, flipped(sealed, 0)),
        (nonce, aad, flipped(sealed, 8 * len(sealed) - 1)),
        (nonce, aad, sealed[:-1]),
    ]
    return (
        end == len(sealed)
        and bytes(buffer) == sealed
        and unseal(aead, nonce, aad, sealed) == plaintext
        and all([unseal(aead, *one) is None for one in wrong])
        and (tag_bytes != 8 or seal(aead, nonce, aad, plaintext) == sealed)
    )


CHECKS = {
    "x25519": check_x25519,
    "ed25519": check_ed25519,
    "hmac": check_hmac,
    "hkdf": check_hkdf,
    "sha512": check_sha512,
    "ccm": check_ccm,
}


def _parts(vector: "Any") -> "Any":
    return [unhexlify(part) if isinstance(part, str) else part for part in vector]


def answers(kind: str, vectors: "Any") -> "list[bool]":
    """Return which vectors of a kind count."""
    return [CHECKS[kind](*_parts(vector)) for vector in vectors]


def refuses_point(coordinate: int, upper_bit: int) -> bool:
    """Tell whether X25519 refuses a point, whatever the unused bit of its key is."""
    public = (coordinate | upper_bit << 255).to_bytes(32, "little")
    try:
        x25519.agree(bytes(range(32)), public)
    except ValueError:
        return True
    return False


def check_iterated(times: int) -> bool:
    """Feed the function its own results, as in RFC 7748, section 5.2: once, or 1,000 times."""
    scalar = point = b"\x09" + bytes(31)
    for _ in range(times):
        scalar, point = x25519.agree(scalar, point), scalar
    return scalar == unhexlify(ITERATED[times])


def forged_signatures() -> "list[tuple[str, bytes, bytes, bytes]]":
    """Return what no verifier may take: why, a public key, a message, a signature.

    Most hold for the equation of signatures; they break a rule on how it may be written.
    """
    order = (1 << 252) + 27742317777372353535851937790883648493
    private, message = bytes(range(32)), b"true"
    public, signature = ed25519.public_of(private), ed25519.sign(private, message)
    point, answer = signature[:32], int.from_bytes(signature[32:], "little")
    # By who has the key, over a name of it that is a byte too long.
    long = public + b"\0"
    scalar, once = ed25519._secrets(private)[0], 7
    start = ed25519._encode(ed25519._multiply((ed25519._BASE, once)))
    dared = once + int.from_bytes(sha512(start, long, message), "little") * scalar
    zero, one = bytes(32), b"\x01" + bytes(31)
    above = (PRIME + 1).to_bytes(32, "little")
    found = [
        ("S + L", public, message, point + (answer + order).to_bytes(32, "little")),
        ("S + 8 L", public, message, point + (answer + 8 * order).to_bytes(32, "little")),
        ("S of L alone", public, message, point + order.to_bytes(32, "little")),
        ("all zeros", public, message, zero + zero),
        ("a neutral R and S of 0", public, message, one + zero),
        ("a neutral key", one, message, one + zero),
        ("a neutral key above p", above, message, one + zero),
        ("a neutral key of -0", one[:31] + b"\x80", message, one + zero),
        ("a key of order 2", (PRIME - 1).to_bytes(32, "little"), message, one + zero),
        ("a key of order 4", zero, message, one + zero),
        ("a key that is no point", b"\x02" + bytes(31), message, signature),
        ("an R that is no point", public, message, b"\x02" + bytes(31) + signature[32:]),
        ("of another message", public, b"false", signature),
        ("a key that goes on", long, message, start + (dared % order).to_bytes(32, "little")),
        ("a key cut off", public[:31], message, signature),
        ("a signature cut off", public, message, signature[:63]),
        ("a signature that goes on", public, message, signature + b"\0"),
        ("nothing", b"", message, b""),
    ]
    for bit in range(0, 512, 37):
        found.append((f"bit {bit} of it", public, message, flipped(signature, bit)))
    return found


def negatives() -> "list[bool]":
    """Return of each hand-made forgery whether it is refused."""
    return [refuses_point(point, bit) for point in SMALL_ORDER for bit in (0, 1)] + [
        not ed25519.verify(*one[1:]) for one in forged_signatures()
    ]


def main(path: str) -> None:
    """Print the answers to all vectors."""
    vectors = load(path)
    found = {kind: answers(kind, vectors[kind]) for kind in sorted(vectors)}
    found["forged"] = negatives()
    found["iterated"] = [check_iterated(1_000)]
    print(json.dumps(found))


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
