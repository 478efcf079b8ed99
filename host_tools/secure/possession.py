"""Ask a board to prove that it holds its private keys, and check what it says. Pure.

The Ed25519 key proves itself by a signature over what was asked, the X25519 key by a code under
the secret that it shares with a key drawn for this one question.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from cma_toolkit.firmware.kernel.secure import kdf
from cma_toolkit.firmware.kernel.secure.identity import NONCE_BYTES, proven
from cma_toolkit.host_tools.secure.pyca import PycaCrypto


@dataclass(frozen=True)
class Question:
    """One question to one board."""

    mac: bytes
    nonce: bytes
    _private: bytes = field(repr=False)

    @property
    def ephemeral(self) -> bytes:
        """Return the public half of the key that was drawn."""
        return PycaCrypto().public_of(self._private)

    def is_answered(self, public: bytes, signer: bytes, signature: bytes, code: bytes) -> bool:
        """Tell whether this is the answer of the board that was asked, and of nobody else."""
        crypto = PycaCrypto()
        message = proven(self.nonce, self.mac, public, signer)
        try:
            secret = crypto.agree(self._private, public)
        except ValueError:  # a key that leads to no secret proves nothing
            return False
        wanted = kdf.hmac(secret, message)
        return hmac.compare_digest(code, wanted) and crypto.verify(signer, message, signature)


def ask(mac: bytes, draw: Callable[[int], bytes]) -> Question:
    """Return a question that was never asked before."""
    return Question(mac, draw(NONCE_BYTES), draw(PycaCrypto.PRIVATE_BYTES))
