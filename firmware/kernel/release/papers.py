"""What lies in a slot's trailer: all that vouches for its image, and that names each block of it.

It is written once, before the first block. So a slot proves itself where no journal is left, and a
fetch that was interrupted goes on.

Input    to_bytes(…), read(flash, sector), write(flash, sector, data), erase(flash, sector)
Effects  none; read, write and erase do so on the flash that they are given
Bounds   PAPERS_BYTES_MAX
Source   SPEC.md, "Slots"
"""

from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Flash

PAPERS_BYTES_MAX = 10_240
_MAGIC = b"CMA\x01"
_SEAL_AT, _HEAD_BYTES = 32, 64
_UNIT_BYTES = 32
_PARTS = 4


class Papers:
    """The papers of one image.

    Shape: `envelope` of its manifest, without a signature if somebody flashed it by hand; `index`
    of its blocks; `root` and `facts`: what the board believed when it took them.
    """

    def __init__(self, envelope: bytes, index: bytes, root: bytes, facts: bytes) -> None:
        self.envelope = envelope
        self.index = index
        self.root = root
        self.facts = facts


def to_bytes(envelope: bytes, index: bytes, root: bytes = b"", facts: bytes = b"") -> bytes:
    """Return the papers as they lie in flash, from the start of a trailer.

    Raises: ValueError if they are too long for it.
    """
    parts = (envelope, index, root, facts)
    size = _HEAD_BYTES + sum([len(part) for part in parts])
    if size > PAPERS_BYTES_MAX:
        raise ValueError("too long for a slot's trailer")
    data = bytearray(b"\xff" * (-(-size // _UNIT_BYTES) * _UNIT_BYTES))
    data[: len(_MAGIC)] = _MAGIC
    at = len(_MAGIC)
    end = _HEAD_BYTES
    for part in parts:
        data[at] = len(part) >> 8
        data[at + 1] = len(part) & 0xFF
        at += 2
        data[end : end + len(part)] = part
        end += len(part)
    data[_SEAL_AT:_HEAD_BYTES] = _seal(data)
    return bytes(data)


def read(flash: "Flash", sector: int) -> "Papers | None":
    """Return the papers in a trailer, None if there are none whole.

    Raises: OSError when the medium fails.
    """
    start = sector * flash.sector_bytes
    head = bytearray(_HEAD_BYTES)
    flash.read(start, head)
    if head[: len(_MAGIC)] != _MAGIC:
        return None
    sizes = []
    for number in range(_PARTS):
        at = len(_MAGIC) + 2 * number
        sizes.append(head[at] << 8 | head[at + 1])
    size = _HEAD_BYTES + sum(sizes)
    if size > PAPERS_BYTES_MAX:
        return None
    data = bytearray(-(-size // _UNIT_BYTES) * _UNIT_BYTES)
    flash.read(start, data)
    if data[_SEAL_AT:_HEAD_BYTES] != _seal(data):
        return None
    parts = []
    at = _HEAD_BYTES
    for size in sizes:
        parts.append(bytes(data[at : at + size]))
        at += size
    return Papers(parts[0], parts[1], parts[2], parts[3])


def write(flash: "Flash", sector: int, data: bytes) -> None:
    """Put papers into a trailer; a cut leaves none.

    Raises: OSError when the medium fails.
    """
    for at in range(-(-len(data) // flash.sector_bytes)):
        flash.erase(sector + at)
    start = sector * flash.sector_bytes
    view = memoryview(data)
    if len(data) > _HEAD_BYTES:
        flash.program(start + _HEAD_BYTES, view[_HEAD_BYTES:])
    flash.program(start, view[:_HEAD_BYTES])
    flash.sync()


def erase(flash: "Flash", sector: int) -> None:
    """Take the papers away: nothing vouches for the image then.

    Raises: OSError when the medium fails.
    """
    flash.erase(sector)
    flash.sync()


def _seal(data: bytearray) -> bytes:
    view = memoryview(data)
    seal = sha256(view[:_SEAL_AT])
    seal.update(view[_HEAD_BYTES:])
    return seal.digest()
