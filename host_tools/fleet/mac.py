"""A board's own number: the six bytes of its MAC address."""

import re

_PLAIN = re.compile(r"^[0-9a-f]{12}$")


def normal_mac(text: str) -> str:
    """Return `a4:cf:12:00:00:01` for any usual way to write it.

    Raises: ValueError with what was expected.
    """
    digits = re.sub(r"[:.\- ]", "", text.strip().lower())
    if not _PLAIN.match(digits):
        raise ValueError("expected a MAC address like a4:cf:12:00:00:01")
    if digits in {"0" * 12, "f" * 12} or int(digits[:2], 16) & 1:
        raise ValueError("expected the MAC address of one board, not of a group")
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))
