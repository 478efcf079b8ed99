"""Windows of VCDIFF, made by hand from the standard's tables."""

from kernel.release.vcdiff import DeltaError, apply

SOURCE = bytes(range(97, 113))  # abcdefghijklmnop
# RFC 3284, section 3: from abcdefghijklmnop to abcdwxyzefghefghefghefghzzzz.
EXAMPLE = b"abcdwxyzefghefghefghefghzzzz"


def number(value: int) -> bytes:
    return bytes([value >> 7 | 0x80, value & 0x7F]) if value > 127 else bytes([value])


def number4(value: int) -> bytes:
    return bytes([value >> shift & 0x7F | 0x80 for shift in (21, 14, 7)] + [value & 0x7F])


def window(data: bytes, told: bytes, addresses: bytes, size: int, span: int = 16) -> bytes:
    head = b"\x01" + number(span) + b"\x00" if span else b"\x00"
    body = number(size) + b"\x00" + number(len(data)) + number(len(told))
    body += number(len(addresses)) + data + told + addresses
    return head + number(len(body)) + body


def read(address: int, buffer: memoryview) -> None:
    assert address >= 0 and address + len(buffer) <= len(SOURCE)
    buffer[:] = SOURCE[address : address + len(buffer)]


def made(delta: bytes, size: int, source_bytes: int = len(SOURCE)) -> bytes:
    target = bytearray(size)
    apply(delta, read, source_bytes, target)
    return bytes(target)


def refuses(delta: bytes, size: int, source_bytes: int = len(SOURCE)) -> bool:
    try:
        made(delta, size, source_bytes)
    except DeltaError:
        return True
    return False


def test_the_example_of_the_standard() -> None:
    # COPY 4 from 0, ADD wxyz, COPY 4 from 4, COPY 12 from 24 (in the target), RUN 4 z.
    told = bytes([20, 5, 20, 28, 0, 4])
    assert made(window(b"wxyzz", told, bytes([0, 4, 24]), 28), 28) == EXAMPLE


def test_each_mode_of_an_address() -> None:
    # here - 4; then near slot 0 plus 2; then the same cache, by its one byte.
    told = bytes([20, 20 + 16, 20 + 32, 20 + 16 * 6])
    addresses = bytes([8, 16, 2, 8])
    # SELF 8: ijkl; HERE 20 - 16 = 4: efgh; NEAR 8 + 2: klmn; SAME 8: ijkl
    assert made(window(b"", told, addresses, 16), 16) == b"ijklefghklmnijkl"


def test_each_instruction_of_the_default_table() -> None:
    whole = []
    for mode in range(9):
        for size in range(4, 7 if mode < 6 else 5):
            for added in range(1, 5):
                code = 163 + 12 * mode + 3 * (added - 1) + size - 4
                if mode >= 6:
                    code = 235 + 4 * (mode - 6) + added - 1
                whole.append((code, mode, size, added))
    assert [code for code, _, _, _ in sorted(whole)] == list(range(163, 247))
    for code, mode, size, added in whole:
        # All caches are empty: near and same say 0, HERE says 16 + added - that.
        address = {1: 16 + added}.get(mode, 0)
        delta = window(b"WXYZ"[:added], bytes([code]), bytes([address]), added + size)
        assert made(delta, added + size) == b"WXYZ"[:added] + SOURCE[:size]
    for mode in range(9):
        address = {1: 16}.get(mode, 0)
        delta = window(b"!", bytes([247 + mode]), bytes([address]), 5)
        assert made(delta, 5) == b"abcd!"
        for size in range(4, 17):
            delta = window(b"", bytes([19 + 16 * mode + size - 3]), bytes([address]), size)
            assert made(delta, size) == SOURCE[:size]
            delta = window(b"", bytes([19 + 16 * mode, size]), bytes([address]), size)
            assert made(delta, size) == SOURCE[:size]
    for size in range(1, 18):
        assert made(window(b"x" * size, bytes([1 + size]), b"", size, 0), size) == b"x" * size
    assert made(window(b"y" * 200, b"\x01" + number(200), b"", 200), 200) == b"y" * 200


def test_a_copy_may_go_on_from_the_source_into_what_is_made() -> None:
    told = bytes([20, 26])  # COPY 4 from 0, COPY 10 from 10: klmnop, then abcd of the target
    assert made(window(b"", told, bytes([0, 10]), 14), 14) == b"abcdklmnopabcd"


def test_nothing_is_read_or_written_beyond_its_end() -> None:
    good = window(b"wxyzz", bytes([20, 5, 20, 28, 0, 4]), bytes([0, 4, 24]), 28)
    assert not refuses(good, 28)
    assert refuses(good, 27) and refuses(good, 29)  # another target
    assert refuses(good, 28, 15)  # a span that the source has not
    assert refuses(good + b"\x00", 28)
    for at in range(len(good)):
        assert refuses(good[:at], 28)
    assert refuses(window(b"", b"\x14", b"\x10", 4), 4)  # from where the target is yet to be
    assert refuses(window(b"", b"\x24", b"\x11", 4), 4)  # before the source
    assert refuses(window(b"a", b"\x03", b"", 2), 2)  # more added than there is
    assert refuses(window(b"ab", b"\x02", b"", 1), 1)  # less
    assert refuses(window(b"ab", b"\x03", b"\x00", 2), 2)  # an address too many
    assert refuses(window(b"", b"\x00\x84\x80\x80\x80\x00", b"", 4), 4)  # a number too large
    assert refuses(window(b"", b"\x00\x04", b"", 4), 4)  # a run of nothing


def test_an_address_is_remembered_whole_and_a_longer_span_is_refused() -> None:
    # COPY 4 from the span's last four bytes, then the same by the cache's one byte.
    asked = []

    def note(address: int, buffer: memoryview) -> None:
        asked.append((address, len(buffer)))

    for shift, is_good in ((0, True), (1, False)):
        span, address = (1 << 24) - 8 + shift, (1 << 24) - 12
        head = b"\x01" + number4(span) + b"\x00"
        place = address % 768
        told = bytes([20, 20 + 16 * (6 + place // 256)])
        addresses = number4(address) + bytes([place % 256])
        body = bytes([8, 0, 0, len(told), len(addresses)]) + told + addresses
        try:
            apply(head + bytes([len(body)]) + body, note, 1 << 25, bytearray(8))
        except DeltaError:
            assert not is_good
        else:
            assert is_good
    assert asked == [(address, 4)] * 2


def test_no_changed_byte_does_anything_else_than_be_refused_or_change_the_target() -> None:
    good = window(b"wxyzz", bytes([20, 5, 20, 28, 0, 4]), bytes([0, 4, 24]), 28)
    for at in range(len(good)):
        for bit in range(8):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            refuses(bytes(changed), 28)  # `read` holds it to the source


def test_a_number_is_no_longer_than_any_that_is_needed() -> None:
    # As many sevens of bits as the window has room for would make a number of any length.
    for length in (5, 6, 400):
        delta = b"\x00" + b"\xff" * length + b"\x7f"
        try:
            made(delta, 28)
            raise AssertionError
        except DeltaError as error:
            assert error.args == ("number",), length
