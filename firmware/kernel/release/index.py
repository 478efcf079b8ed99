"""The blocks of an image and what is signed of them: a tree of hashes with one level.

The index is the list of the blocks' digests; a manifest holds the digest of the index. So each
block is checked by itself, before it is programmed, whoever it came from.

Input    index_of(read, size), is_signed(index, digest, size), is_block(index, number, data)
Effects  none
Bounds   32 B for each block of 4,096
Source   R. Merkle, US patent 4,309,569; RFC 9162, section 2.1, with all leaves below the root
"""

from hashlib import sha256

BLOCK_BYTES = 4096
DIGEST_BYTES = 32


def block_count(size_bytes: int) -> int:
    """Return how many blocks an image has; the last one may be short."""
    return -(-size_bytes // BLOCK_BYTES)


def block_bytes(size_bytes: int, number: int) -> int:
    """Return how long a block of an image is."""
    return min(BLOCK_BYTES, size_bytes - number * BLOCK_BYTES)


def index_of(image: "bytes | memoryview") -> bytes:
    """Return the index of an image that lies in memory, or in flash that looks like it."""
    view = memoryview(image)
    index = bytearray(DIGEST_BYTES * block_count(len(view)))
    for number in range(block_count(len(view))):
        start = number * BLOCK_BYTES
        digest = sha256(view[start : start + BLOCK_BYTES]).digest()
        index[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES] = digest
    return bytes(index)


def image_digest(image: "bytes | memoryview") -> bytes:
    """Return the digest by which a manifest names an image."""
    return sha256(index_of(image)).digest()


def is_signed(index: "bytes | bytearray", digest: bytes, size_bytes: int) -> bool:
    """Tell whether an index is the one of an image with this digest and size."""
    if len(index) != DIGEST_BYTES * block_count(size_bytes):
        return False
    return sha256(index).digest() == digest


def is_block(
    index: "bytes | bytearray", number: int, data: "bytes | bytearray | memoryview"
) -> bool:
    """Tell whether these bytes are a block of the image that the index is of."""
    start = number * DIGEST_BYTES
    return sha256(data).digest() == index[start : start + DIGEST_BYTES]
