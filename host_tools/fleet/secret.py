"""A value that shows itself to nobody by accident."""

import hashlib
import hmac


class Secret:
    """Hold a secret text: printing, formatting, comparing or pickling it shows nothing."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Callers send it to a board and nowhere else."""
        return self._text

    def fingerprint(self, salt: bytes) -> str:
        """Return what proves equality to a board without telling the text.

        The salt is drawn for each run, so that a fingerprint in a log helps no dictionary.
        """
        return hashlib.sha256(salt + self._text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(Secret)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
