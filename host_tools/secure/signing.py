"""How a computer proves who it is in a handshake: by a signature, on either side or both.

Source   RFC 9528, sections 3.2 and 5.3.2 to 5.4.3, methods 0 to 3; RFC 9052, section 4.4
"""

from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.codec.cbor import encode
from cma_toolkit.firmware.kernel.secure.credential import Credential, Own
from cma_toolkit.firmware.kernel.secure.edhoc import HASH_BYTES, wrap
from cma_toolkit.firmware.kernel.secure.port import Crypto
from cma_toolkit.firmware.kernel.secure.terms import (
    STEP_INITIATOR,
    STEP_RESPONDER,
    Terms,
    code_of,
)

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.secure.terms import Facts

METHODS = (0, 1, 2, 3)
_SIGNED_BYTES_MAX = 4096


class AnyTerms(Terms):
    """Any of the four methods; number 3 is that of boards."""

    def __init__(self, crypto: Crypto, suites: tuple[int, ...], method: int) -> None:
        if method not in METHODS:
            raise ValueError(f"method {method}")
        super().__init__(crypto, suites)
        self.method = method
        self._signing = {STEP_INITIATOR: method in (0, 1), STEP_RESPONDER: method in (0, 2)}

    def salt(self, step: int, secret: bytes, transcript: bytes) -> bytes | None:
        """Return with what a static key's secret is mixed in, None for a side that signs."""
        return None if self._signing[step] else super().salt(step, secret, transcript)

    def give(self, step: int, own: Own, facts: "Facts") -> bytes:
        """Return our signature, or our code."""
        if not self._signing[step]:
            return super().give(step, own, facts)
        return self.crypto.sign(own.private, _to_be_signed(step, own.credential, facts))

    def is_given(self, step: int, peer: Credential, proof: object, facts: "Facts") -> bool:
        """Tell whether the other side proved itself by its signature, or its code."""
        if not self._signing[step]:
            return super().is_given(step, peer, proof, facts)
        signed = _to_be_signed(step, peer, facts)
        return isinstance(proof, bytes) and self.crypto.verify(peer.public, signed, proof)


def _to_be_signed(step: int, credential: Credential, facts: "Facts") -> bytes:
    _, transcript, _, ead = facts
    associated = wrap(transcript) + credential.value + ead
    code = code_of(step, credential, facts, HASH_BYTES)
    return encode(["Signature1", credential.reference, associated, code], _SIGNED_BYTES_MAX)
