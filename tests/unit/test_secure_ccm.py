"""Sealing in place: lengths, forgeries, and what a failure leaves behind."""

from kernel.secure.aead import seal, unseal
from kernel.secure.loops import Loops
from kernel.secure.port import AAD_BYTES_MAX, DATA_BYTES_MAX
from support.crypto import aes, make
from support.heap import no_allocation

KEY, NONCE, AAD = bytes(range(16)), bytes(range(13)), b"header"
DATA = bytes(range(40))


def aead():
    return make().aead(KEY)


def test_every_flipped_bit_is_refused_and_leaves_zeros():
    one, sealed = aead(), seal(aead(), NONCE, AAD, DATA)
    for bit in range(8 * len(sealed)):
        buffer = bytearray(b"before" + sealed + b"after")
        buffer[6 + (bit >> 3)] ^= 1 << (bit & 7)
        assert one.open(NONCE, AAD, buffer, 6, 6 + len(sealed)) == -1, bit
        assert buffer == b"before" + bytes(len(sealed)) + b"after"
    assert unseal(one, NONCE, AAD, sealed) == DATA


def test_what_is_shorter_than_a_tag_is_refused_and_leaves_zeros():
    for size in range(8):
        buffer = bytearray(b"\x55" * 10)
        assert aead().open(NONCE, AAD, buffer, 1, 1 + size) == -1
        assert buffer == b"\x55" + bytes(size) + b"\x55" * (9 - size)


def test_header_and_data_do_not_run_into_one_another():
    one, sealed = aead(), seal(aead(), NONCE, b"ab", b"cd")
    assert unseal(one, NONCE, b"ab", sealed) == b"cd"
    assert unseal(one, NONCE, b"a", sealed) is None
    assert unseal(one, NONCE, b"ab\x00", sealed) is None
    assert unseal(one, NONCE, b"", sealed) is None


def test_a_part_of_a_buffer_is_sealed_and_the_rest_stays():
    buffer = bytearray(b"before" + DATA + b"tag-tag-after")
    assert aead().seal(NONCE, AAD, memoryview(buffer), 6, 46) == 54
    assert buffer == b"before" + seal(aead(), NONCE, AAD, DATA) + b"after"
    assert aead().open(NONCE, AAD, memoryview(buffer), 6, 54) == 46
    assert buffer[6:46] == DATA


def fails(method, nonce, aad, buffer, *part):
    before = bytes(buffer)
    try:
        method(nonce, aad, buffer, *part)
    except ValueError:
        return bytes(buffer) == before
    return False


def test_a_wrong_length_is_an_error_and_changes_nothing():
    one, room = aead(), bytearray(b"\x55" * 60)
    for method in (one.seal, one.open):
        assert fails(method, NONCE[:12], AAD, room, 0, 20)
        assert fails(method, NONCE + b"\x00", AAD, room, 0, 20)
        assert fails(method, NONCE, bytes(AAD_BYTES_MAX + 1), room, 0, 20)
        assert fails(method, NONCE, AAD, room, -1, 20)
        assert fails(method, NONCE, AAD, room, 20, 19)
        assert fails(method, NONCE, AAD, room, 0, 61)
    large = bytearray(DATA_BYTES_MAX + 20)
    assert fails(one.seal, NONCE, AAD, large, 0, DATA_BYTES_MAX + 1)
    assert fails(one.open, NONCE, AAD, large, 0, DATA_BYTES_MAX + 9)
    assert fails(one.seal, NONCE, AAD, room, 0, 53)
    assert one.seal(NONCE, AAD, room, 0, 52) == 60
    assert one.open(NONCE, AAD, room, 0, 60) == 52
    for key in (b"", bytes(15), bytes(17), bytes(32)):
        try:
            make().aead(key)
        except ValueError:
            continue
        raise AssertionError(len(key))


def test_the_largest_message_is_sealed():
    data, aad = bytes(DATA_BYTES_MAX), bytes(AAD_BYTES_MAX)
    sealed = seal(aead(), NONCE, aad, data)
    assert unseal(aead(), NONCE, aad, sealed) == data


def test_keys_share_their_memory_and_nothing_else():
    crypto = make()
    one, other = crypto.aead(KEY), crypto.aead(KEY[:15] + b"\xff")
    for _ in range(3):
        first, second = seal(one, NONCE, AAD, DATA), seal(other, NONCE, AAD, DATA)
        assert first != second
        assert unseal(other, NONCE, AAD, second) == DATA
        assert unseal(one, NONCE, AAD, first) == DATA
        assert unseal(one, NONCE, AAD, second) is None


class Full:
    """AES whose next chain finds the heap full, as its caller may."""

    def __init__(self, left, key, mode, iv=None):
        self._cipher = aes(key, mode, iv) if iv else aes(key, mode)
        self.left = left

    def encrypt(self, data, out):
        self.left -= 1
        if self.left == 0:
            self._cipher.encrypt(data, out)
            raise MemoryError
        self._cipher.encrypt(data, out)


def made_full(of_mode, left):
    """Return a key of which the last of `left` calls of a mode fails."""

    def new(key, mode, iv=None):
        return Full(left if mode == of_mode else -1, key, mode, iv)

    one = make(aes=new).aead(KEY)
    for _ in range(left - 1):
        seal(one, NONCE, b"other", DATA)  # its chain ends at another block
    return one


def test_a_full_heap_while_opening_leaves_nothing_to_read_and_the_next_message_opens():
    sealed = seal(aead(), NONCE, AAD, DATA)
    for left in (1, 2):
        one = made_full(2, left)
        buffer = bytearray(sealed)
        try:
            one.open(NONCE, AAD, buffer, 0, len(buffer))
        except MemoryError:
            assert not any(buffer)
        else:
            raise AssertionError(left)
        one._port.aes = aes
        assert unseal(one, NONCE, AAD, sealed) == DATA
        assert unseal(one, NONCE, AAD, sealed) == DATA


def test_a_full_heap_while_sealing_changes_nothing_and_the_next_message_is_sealed():
    sealed = seal(aead(), NONCE, AAD, DATA)
    for mode, left in ((1, 1), (1, 2), (2, 1), (2, 2)):
        one = made_full(mode, left)
        buffer = bytearray(DATA + bytes(8))
        try:
            one.seal(NONCE, AAD, buffer, 0, len(DATA))
        except MemoryError:
            assert buffer == DATA + bytes(8)
        else:
            raise AssertionError(mode)
        one._port.aes = aes
        assert seal(one, NONCE, AAD, DATA) == sealed


def test_loops_take_no_heap():
    loops, blocks = Loops(), bytearray(DATA) + bytes(40)
    with no_allocation():
        loops.mix(blocks, 0, DATA, 1, 13)
        loops.count(blocks, 64)
    assert blocks[:13] == bytes([DATA[i] ^ DATA[i + 1] for i in range(13)])
    assert blocks[16:] == b"".join(
        [bytes(blocks[:15]) + bytes((15 + i,)) for i in (1, 2, 3)]
    ) + bytes(16)
