"""What vouches for an image in a slot's trailer; by the first byte its seal is made right."""

from hashlib import sha256

from kernel.release import papers

MODULES = ("kernel.release.papers",)
_SEALED = 1
_SEAL_AT, _HEAD_BYTES, _UNIT_BYTES = 32, 64, 32


class _Trailer:
    """A flash whose first bytes are what somebody wrote; the rest is erased."""

    sector_bytes = 4096

    def __init__(self, data):
        self._data = data

    def read(self, offset, buffer):
        assert offset >= 0 and offset + len(buffer) <= papers.PAPERS_BYTES_MAX
        part = self._data[offset : offset + len(buffer)]
        buffer[:] = part + b"\xff" * (len(buffer) - len(part))


def seeds():
    """Return papers of several sizes."""
    full = [
        (b"envelope", b"i" * 64, b"root", b"facts"),
        (b"", b"", b"", b""),
        (b"e" * 300, b"", b"", b"f"),
    ]
    made = [papers.to_bytes(*parts) for parts in full]
    return [bytes((form,)) + each for form in (0, _SEALED) for each in made]


def take(data):
    """Return the papers' parts."""
    if not data:
        return b""
    trailer = bytearray(data[1:])
    if data[0] & _SEALED:
        trailer[:] = _sealed(trailer)
    held = papers.read(_Trailer(bytes(trailer)), 0)
    if held is None:
        return b""
    assert _sealed(trailer) == trailer[: len(_sealed(trailer))], "another seal"
    parts = (held.envelope, held.index, held.root, held.facts)
    again = papers.read(_Trailer(papers.to_bytes(*parts)), 0)
    assert (again.envelope, again.index, again.root, again.facts) == parts
    return b"|".join(parts)


def _sealed(data):
    # Sizes stand as they are; the seal is over what they span.
    data = data + b"\xff" * (_HEAD_BYTES - len(data))
    size = _HEAD_BYTES
    for at in range(4, 12, 2):
        size += data[at] << 8 | data[at + 1]
    if size <= papers.PAPERS_BYTES_MAX:
        whole = -(-size // _UNIT_BYTES) * _UNIT_BYTES
        data = data[:whole] + b"\xff" * (whole - len(data))
        data[_SEAL_AT:_HEAD_BYTES] = sha256(data[:_SEAL_AT] + data[_HEAD_BYTES:]).digest()
    return data
