"""A parser with mistakes, by which the hunt itself is tried; it has the form of any other."""

import sys

MODULES = ("fuzz.planted",)
_MARK = b"\x5a\xa5"


def seeds() -> list[bytes]:
    """Return an input without fault, and one that takes too much."""
    return [b"good", b"large"]


def take(data: bytes) -> bytes:
    """Fail behind a mark that nobody hits by chance."""
    if data[:1] == _MARK[:1]:
        if data[1:2] == _MARK[1:]:
            if data[2:3] == b"!":
                raise IndexError("planted")
            return b"nearly"
        return b"nearer"
    if data == b"apart":
        return sys.implementation.name.encode()
    return bytes(1_000_000)[:1] if data == b"large" else data
