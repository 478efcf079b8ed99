"""What a board keeps of who it is: both pairs of keys, and what its authority made of them.

It is one record, written at once: a certificate never lies beside keys that it does not certify.
Private keys are in it and in nothing else; what leaves a board are public keys and a proof.

Input    make(entropy, crypto): a certificate is put behind its result; Identity(record), prove(…)
Effects  none; to keep the record is the caller's
Bounds   RECORD_BYTES_MAX
Source   SPEC.md, "Enrolment"
"""

from .kdf import hmac

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entropy import Entropy
    from .port import Crypto

NONCE_BYTES = 16
_VERSION = b"\x01"
_KEY_BYTES = 32
_AUTHORITY = 1 + 4 * _KEY_BYTES  # where it begins
_CERTIFICATE = _AUTHORITY + _KEY_BYTES
RECORD_BYTES_MAX = _CERTIFICATE + 158  # `certificate.py` has that too; it is not loaded here
_PURPOSE = b"cma enrol"


class Identity:
    """The keys of a board, and its certificate once it has one.

    Shape: `agree_private` and `public` of X25519, `sign_private` and `signer` of Ed25519;
    `authority` is the Ed25519 key of whom it believes; both b"" as long as nobody certified it.
    """

    def __init__(self, record: bytes) -> None:
        """Read a record.

        Raises: ValueError for what is none (storage).
        """
        size = len(record)
        if record[:1] != _VERSION or not (
            size == _AUTHORITY or _CERTIFICATE < size <= RECORD_BYTES_MAX
        ):
            raise ValueError()
        self.agree_private, self.sign_private, self.public, self.signer = [
            record[at : at + _KEY_BYTES] for at in range(1, _AUTHORITY, _KEY_BYTES)
        ]
        self.authority = record[_AUTHORITY:_CERTIFICATE]
        self.certificate = record[_CERTIFICATE:]

    def prove(
        self, crypto: "Crypto", nonce: bytes, ephemeral: bytes, mac: bytes
    ) -> "tuple[bytes, bytes]":
        """Return a signature and a code that only who holds both private keys can make.

        Shape: `ephemeral` is an X25519 key of who asks, used once.
        Raises: ValueError for an ephemeral key that leads to no secret (who asks).
        """
        message = proven(nonce, mac, self.public, self.signer)
        secret = crypto.agree(self.agree_private, ephemeral)
        return crypto.sign(self.sign_private, message), hmac(secret, message)


def make(entropy: "Entropy", crypto: "Crypto") -> bytes:
    """Return a record with new keys, which nobody certified yet.

    Raises: OSError (the hardware) if entropy is not proven.
    """
    agree, sign = entropy.make_keys()
    return _VERSION + agree + sign + crypto.public_of(agree) + crypto.signer_of(sign)


def proven(nonce: bytes, mac: bytes, public: bytes, signer: bytes) -> bytes:
    """Return what a proof of possession is made over."""
    return _PURPOSE + nonce + mac + public + signer
