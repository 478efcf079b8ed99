"""On what terms a handshake is held: its suites, and how a side proves who it is.

Boards prove it by their static keys. On hosts, which override what is here, signatures take the
place of that.

Input    secrets and credentials of a handshake
Effects  none
Bounds   one key agreement to mix
Source   RFC 9528, sections 3.6 (suites), 4.1.1 and 5.3.2 to 5.4.3, method 3
"""

from .credential import Credential, Own
from .edhoc import HASH_BYTES, MAC_BYTES, HandshakeError, derive, wrap
from .kdf import same
from .port import Crypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = tuple[bytes, bytes, bytes, bytes]

STEP_RESPONDER = 2  # the message in which a side proves itself
STEP_INITIATOR = 3

_LABELS = ((1, 2), (5, 6))  # of the salt and of the code, by step


class Terms:
    """Method 3: both sides prove themselves by their static keys.

    Shape: `suites` are those that we support, preferred first; who begins lists them up to the one
    that is used. `facts` are the secret, the transcript, what stands before the reference, and the
    external authorization data.
    """

    method = 3

    def __init__(self, crypto: Crypto, suites: "tuple[int, ...]" = (0,)) -> None:
        self.crypto = crypto
        self.suites = suites

    def agree(self, private: bytes, public: bytes) -> bytes:
        """Return what two pairs share.

        Raises: HandshakeError for a public key that leads to no secret (peer).
        """
        try:
            return self.crypto.agree(private, public)
        except ValueError:
            raise HandshakeError()

    def salt(self, step: int, secret: bytes, transcript: bytes) -> "bytes | None":
        """Return with what a static key's secret is mixed in, None if the side has no such key."""
        return derive(secret, _LABELS[step - 2][0], transcript, HASH_BYTES)

    def give(self, step: int, own: Own, facts: "Facts") -> bytes:
        """Return what proves us to the other side."""
        return code_of(step, own.credential, facts, MAC_BYTES)

    def is_given(self, step: int, peer: Credential, proof: object, facts: "Facts") -> bool:
        """Tell whether the other side proved itself."""
        return isinstance(proof, bytes) and same(proof, code_of(step, peer, facts, MAC_BYTES))


def code_of(step: int, credential: Credential, facts: "Facts", size: int) -> bytes:
    """Return the code over all that a side stands for."""
    secret, transcript, front, ead = facts
    context = front + credential.reference + wrap(transcript) + credential.value + ead
    return derive(secret, _LABELS[step - 2][1], context, size)
