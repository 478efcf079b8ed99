"""Signatures of HSS/LMS: by a key that is known, or with a key of the input's own.

The first byte says which: 0 to 127 one of the examples of the standards, else a key and how long
it is in the second one. What is left is the signature.
"""

from hashlib import sha256

from kernel.release import lms
from support.hss_lms import SHA256, load

MODULES = ("kernel.release.lms",)
_FAMILIES = (sha256, sha256)  # as if there were both: all sizes are reached
_OWN_KEY = 0x80
_GOOD = [vector for vector in load() if vector.hash == SHA256]


def seeds():
    """Return the examples' signatures, with their keys and without."""
    made = []
    for number, vector in enumerate(_GOOD):
        made.append(bytes((number,)) + vector.signature)
        made.append(bytes((_OWN_KEY | number, len(vector.key))) + vector.key + vector.signature)
    return made


def take(data):
    """Return whether a signature is good."""
    if len(data) < 2:
        return b""
    vector = _GOOD[(data[0] & ~_OWN_KEY) % len(_GOOD)]
    key, signature = vector.key, data[1:]
    if data[0] & _OWN_KEY:
        key, signature = data[2 : 2 + data[1]], data[2 + data[1] :]
    is_good = lms.verify(key, vector.message, signature, _FAMILIES)
    if is_good:
        known = [(each.key, each.signature) for each in _GOOD]
        assert (key, signature) in known, "a forgery"
    return bytes((is_good,))
