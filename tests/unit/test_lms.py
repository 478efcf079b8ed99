"""Signatures of releases: those of the standards, and what must not pass for one."""

from hashlib import sha256

from kernel.release.lms import verify
from support.hss_lms import SHA256, answers, flipped, load


def _shipped_width():
    return load()[5]  # RFC 9858, A.4: four bits a digit, as our own


def test_every_example_with_sha256_is_verified_and_none_with_a_flipped_bit():
    count = 0
    for vector in load():
        if vector.hash == SHA256:
            assert answers(vector, (sha256,)) == [True, False, False, False], vector.name
            count += 1
    assert count == 4


def test_a_hash_that_the_runtime_has_not_is_refused():
    for vector in load():
        if vector.hash != SHA256:
            assert not verify(vector.key, vector.message, vector.signature), vector.name


def test_a_changed_byte_anywhere_is_refused():
    vector = _shipped_width()
    for at in range(0, len(vector.signature), 5):
        changed = flipped(vector.signature, 8 * at + at % 8)
        assert not verify(vector.key, vector.message, changed), at
    for at in range(len(vector.key)):
        changed = flipped(vector.key, 8 * at + at % 8)
        assert not verify(changed, vector.message, vector.signature), at


def test_what_is_cut_off_or_goes_on_is_refused():
    for vector in load():
        key, message, signature = vector.key, vector.message, vector.signature
        families = (sha256, sha256)
        for size in range(0, len(signature), 1 if len(signature) < 1000 else 11):
            assert not verify(key, message, signature[:size], families), size
        assert not verify(key, message, signature + b"\0", families)
        for size in range(len(key)):
            assert not verify(key[:size], message, signature, families), size
        assert not verify(key + b"\0", message, signature, families)


def test_a_leaf_outside_the_tree_is_refused():
    # Of H5, so that a leaf of 32 more has the same last bits.
    vector = load()[2]
    signature = bytearray(vector.signature)
    for above in (4, 5, 6):  # the two upper bytes, and the bit above the tree's height
        changed = bytearray(signature)
        changed[above] = 1
        assert not verify(vector.key, vector.message, changed)
    signature[7] += 32
    assert not verify(vector.key, vector.message, signature)


def test_types_of_two_families_do_not_mix():
    # The sizes agree, and no table of a standard pairs them.
    vector = load()[2]
    for lms, ots in ((0x14, 0x08), (0x0A, 0x10), (0x0A, 0x07), (0x0B, 0x08), (5, 8), (0, 0)):
        key = bytearray(vector.key)
        key[7], key[11] = lms, ots
        signature = bytearray(vector.signature)
        signature[11] = ots
        signature[8 + 4 + 24 * 27 + 3] = lms
        assert not verify(key, vector.message, signature, (sha256, sha256)), (lms, ots)


def test_the_number_of_levels_is_that_of_the_key():
    vector = load()[0]
    for levels in (0, 1, 3, 8, 9, 255):
        key = bytearray(vector.key)
        key[3] = levels
        signature = bytearray(vector.signature)
        assert not verify(key, vector.message, signature)
        signature[3] = (levels - 1) & 255
        assert not verify(key, vector.message, signature)


def test_parts_of_memory_are_taken_as_they_lie():
    vector = _shipped_width()
    held = memoryview(b"before" + vector.signature + b"after")[6:-5]
    assert verify(memoryview(vector.key), memoryview(vector.message), held)
