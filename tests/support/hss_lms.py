"""The examples of RFC 8554, appendix F, and of RFC 9858, appendix A, for both runtimes.

As a program, `hss_lms.py` prints in one line which of them the kernel verifies, each of its texts
as it stands and with a bit flipped, with the hashes of `shake256.py` beside SHA-256.
"""

import json
from binascii import unhexlify
from hashlib import sha256

from kernel.release.lms import verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHA256 = "SHA-256"
FILE = "vectors/hss_lms.json"


class Vector:
    """A public key, a message and its signature."""

    def __init__(self, fields: "dict[str, str]") -> None:
        self.name = fields["name"]
        self.hash = fields["hash"]
        self.key = unhexlify(fields["public_key"])
        self.message = unhexlify(fields["message"])
        self.signature = unhexlify(fields["signature"])


def load(path: str = "") -> "list[Vector]":
    """Return all examples, those of RFC 8554 first."""
    with open(path or __file__.rpartition("/")[0] + "/" + FILE) as file:
        return [Vector(fields) for fields in json.loads(file.read())]


def flipped(data: bytes, bit: int) -> bytes:
    """Return the bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def answers(vector: Vector, families: "Any") -> "list[bool]":
    """Return whether an example is verified, and whether it is with a bit of each part flipped."""
    key, message, signature = vector.key, vector.message, vector.signature
    return [
        verify(key, message, signature, families),
        verify(flipped(key, 8 * len(key) - 1), message, signature, families),
        verify(key, flipped(message, 4 * len(message)), signature, families),
        verify(key, message, flipped(signature, 4 * len(signature)), families),
    ]


def main(path: str) -> None:
    """Print the answers to all examples."""
    from support.shake256 import Shake256

    print(json.dumps([answers(vector, (sha256, Shake256)) for vector in load(path)]))


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
