"""Ed25519 as a second signature of a release, for people and servers; boards read HSS/LMS only.

Made with a key that a person has already, such as that of `ssh-keygen -t ed25519`, and over the
release's digest, so that whoever built the same release verifies it without the file.

Source   RFC 8032; RFC 9052, section 4.4, with algorithm -8 and the digest as its payload
"""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import cbor2

from cma_toolkit.host_tools.errors import CmaError, usage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_EDDSA = -8
_ALGORITHM = 1
KEY_ID_BYTES = 8


def load_private(data: bytes, path: Path) -> "Ed25519PrivateKey":
    """Read a private key, as OpenSSL or OpenSSH write it.

    Raises: CmaError 2 for anything else, or a key behind a password.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for load in (serialization.load_pem_private_key, serialization.load_ssh_private_key):
        try:
            key = load(data, password=None)
        except TypeError:
            raise usage(
                f"{path} is behind a password: write a copy without one, with ssh-keygen -p -N ''."
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise _no_key(path, "private")


def load_public(data: bytes, path: Path) -> bytes:
    """Read a public key, as OpenSSL or OpenSSH write it; return its 32 bytes.

    Raises: CmaError 2 for anything else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for load in (serialization.load_pem_public_key, serialization.load_ssh_public_key):
        try:
            key = load(data)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PublicKey):
            return key.public_bytes_raw()
    raise _no_key(path, "public")


def sign(key: "Ed25519PrivateKey", digest: bytes) -> tuple[bytes, bytes]:
    """Return a public key and its signature of a release's digest."""
    return key.public_key().public_bytes_raw(), key.sign(_to_be_signed(digest))


def is_good(public: bytes, signature: bytes, digest: bytes) -> bool:
    """Tell whether a signature of a release's digest is of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _to_be_signed(digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(public: bytes) -> str:
    """Return by what a person tells keys apart."""
    return sha256(public).digest()[:KEY_ID_BYTES].hex()


def _to_be_signed(digest: bytes) -> bytes:
    protected = cbor2.dumps({_ALGORITHM: _EDDSA})
    return bytes(cbor2.dumps(["Signature1", protected, b"", digest]))


def _no_key(path: Path, kind: str) -> CmaError:
    return usage(
        f"{path} is no {kind} Ed25519 key: make one with ssh-keygen -t ed25519, or name another "
        "file."
    )
