"""The blocks of a MicroPython and what is signed of them: a tree of hashes with two levels.

A MicroPython has some hundred blocks, so that the list of their digests is too long for one part,
and for a heap. It travels in pages: the index is the list of the pages' digests, and a manifest
holds the digest of the index. A page is right or wrong by itself, as a block is.

Input    page_of(flash, size, number), index_of(flash, size), digest_of(flash, size)
Effects  none; reads the flash
Bounds   PAGE_BLOCKS digests at a time
Source   R. Merkle, US patent 4,309,569; RFC 9162, section 2.1, cut to two levels
"""

from hashlib import sha256

from .index import BLOCK_BYTES, DIGEST_BYTES, block_bytes, block_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Flash

PAGE_BLOCKS = 128
# Parts of a release of MicroPython: its index and its envelope are numbered as any other's.
PART_PAGE = 67  # and the number of a page
PART_BLOCK = 1024  # and the number of a block
_READ_BYTES = 1024


def page_count(size_bytes: int) -> int:
    """Return on how many pages the digests of the blocks stand."""
    return -(-block_count(size_bytes) // PAGE_BLOCKS)


def page_blocks(size_bytes: int, number: int) -> int:
    """Return how many digests stand on a page."""
    return min(PAGE_BLOCKS, block_count(size_bytes) - number * PAGE_BLOCKS)


def block_digest(flash: "Flash", size_bytes: int, number: int) -> bytes:
    """Return the digest of what lies in the place of a block.

    Raises: OSError when the medium fails.
    """
    buffer = memoryview(bytearray(_READ_BYTES))
    start, left, digest = number * BLOCK_BYTES, block_bytes(size_bytes, number), sha256()
    while left:
        part = buffer[: min(left, _READ_BYTES)]
        flash.read(start, part)
        digest.update(part)
        start += len(part)
        left -= len(part)
    return digest.digest()


def page_of(flash: "Flash", size_bytes: int, number: int) -> bytearray:
    """Return a page for what lies in flash.

    Raises: OSError when the medium fails.
    """
    page = bytearray(DIGEST_BYTES * page_blocks(size_bytes, number))
    for at in range(len(page) // DIGEST_BYTES):
        digest = block_digest(flash, size_bytes, number * PAGE_BLOCKS + at)
        page[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] = digest
    return page


def index_of(flash: "Flash", size_bytes: int) -> bytes:
    """Return the index of what lies in flash: the digests of its pages.

    Raises: OSError when the medium fails.
    """
    index = b""
    for number in range(page_count(size_bytes)):
        index += sha256(page_of(flash, size_bytes, number)).digest()
    return index


def digest_of(flash: "Flash", size_bytes: int) -> bytes:
    """Return by which digest a manifest names what lies in flash.

    Raises: OSError when the medium fails.
    """
    return sha256(index_of(flash, size_bytes)).digest()


def is_indexed(index: "bytes | bytearray", digest: bytes, size_bytes: int) -> bool:
    """Tell whether an index is the one of a MicroPython with this digest and size."""
    if len(index) != DIGEST_BYTES * page_count(size_bytes):
        return False
    return sha256(index).digest() == digest


def is_page(
    index: "bytes | bytearray", number: int, data: "bytes | bytearray | memoryview"
) -> bool:
    """Tell whether these bytes are a page of an index."""
    start = number * DIGEST_BYTES
    return sha256(data).digest() == index[start : start + DIGEST_BYTES]
