"""Ephemeral keys made ahead, while a board has nothing to do: each takes half a second of it.

They are in memory only, so that what was said under one stays secret when flash is read later.

Input    make() when idle, take()
Effects  none
Bounds   AHEAD_MAX pairs, 64 B each
"""

from .port import Crypto

AHEAD_MAX = 2  # one to begin with and one to answer with


class Ephemerals:
    """Pairs that nobody has seen; each is handed out once."""

    def __init__(self, crypto: Crypto) -> None:
        self._crypto = crypto
        self._pairs: "list[tuple[bytes, bytes]]" = []

    def is_full(self) -> bool:
        """Tell whether there is nothing to make."""
        return len(self._pairs) >= AHEAD_MAX

    def make(self) -> None:
        """Make one pair more, unless it is full.

        Raises: OSError where entropy is not proven.
        """
        if not self.is_full():
            private = self._crypto.random(self._crypto.PRIVATE_BYTES)
            self._pairs.append((private, self._crypto.public_of(private)))

    def take(self) -> "tuple[bytes, bytes]":
        """Return a pair, made now if none was made ahead.

        Raises: OSError where entropy is not proven.
        """
        if not self._pairs:
            self.make()
        return self._pairs.pop()
