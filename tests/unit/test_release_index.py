"""The blocks of an image against what is signed of them."""

from hashlib import sha256

from kernel.release import index

IMAGE = bytes([n + (n >> 8) & 255 for n in range(8448)])  # two blocks and 256 bytes


def test_an_index_is_the_digest_of_each_block() -> None:
    made = index.index_of(IMAGE)
    blocks = [IMAGE[:4096], IMAGE[4096:8192], IMAGE[8192:]]
    assert made == b"".join([sha256(block).digest() for block in blocks])
    assert index.block_count(len(IMAGE)) == 3
    assert [index.block_bytes(len(IMAGE), n) for n in range(3)] == [len(block) for block in blocks]
    assert index.index_of(b"") == b"" and index.block_count(0) == 0


def test_whole_blocks_have_no_empty_one_behind_them() -> None:
    assert index.block_count(8192) == 2 and index.block_bytes(8192, 1) == 4096
    assert len(index.index_of(bytes(8192))) == 64 and len(index.index_of(bytes(8193))) == 96


def test_only_the_index_of_that_image_is_signed() -> None:
    made, digest = index.index_of(IMAGE), index.image_digest(IMAGE)
    assert index.is_signed(made, digest, len(IMAGE))
    for at in range(len(made)):
        changed = bytearray(made)
        changed[at] ^= 1
        assert not index.is_signed(changed, digest, len(IMAGE))
    # The same digests for another size are another image.
    assert not index.is_signed(made, digest, 4096)
    assert not index.is_signed(made[:64], digest, len(IMAGE))


def test_each_block_is_checked_by_itself() -> None:
    made = index.index_of(IMAGE)
    for number in range(3):
        block = bytearray(IMAGE[number * 4096 : (number + 1) * 4096])
        assert index.is_block(made, number, block)
        assert not index.is_block(made, (number + 1) % 3, block)
        assert not index.is_block(made, number, block + b"\0")
        block[7] ^= 1
        assert not index.is_block(made, number, block)
    assert not index.is_block(made, 3, b"")
