"""What a handshake leaves: a secret, from which each purpose has its own keys.

Input    Exporter(secret), export(label, context, size), update(context)
Effects  none
Bounds   64 B
Source   RFC 9528, sections 4.2.1 and appendix H
"""

from .edhoc import HASH_BYTES, derive

LABEL_MASTER_SECRET = 0  # of OSCORE, and so of our sessions
LABEL_MASTER_SALT = 1

_EXPORTER, _UPDATE = 10, 11


class Exporter:
    """The secret of one handshake, known to its two sides only."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._exporter = derive(secret, _EXPORTER, b"", HASH_BYTES)

    def export(self, label: int, context: bytes, size: int) -> bytes:
        """Return a key for a purpose."""
        return derive(self._exporter, label, context, size)

    def update(self, context: bytes) -> "Exporter":
        """Return the next exporter; both sides say the same context, no exporter leads back."""
        return Exporter(derive(self._secret, _UPDATE, context, HASH_BYTES))
