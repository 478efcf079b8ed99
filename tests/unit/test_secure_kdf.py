"""Codes and derived keys at their edges; the vectors are in test_secure_vectors."""

from kernel.secure.kdf import expand, hmac, same


def test_texts_are_compared_to_their_ends():
    text = b"12345678"
    assert same(text, bytearray(text)) and same(b"", b"")
    for at in range(8):
        assert not same(text, text[:at] + b"x" + text[at + 1 :]), at
    assert not same(text, text[:7]) and not same(text[:7], text) and not same(b"", text)


def test_a_key_is_as_long_as_it_may_be_and_no_longer():
    longest = expand(b"key", b"", 255 * 32)
    assert len(longest) == 255 * 32 and expand(b"key", b"", 0) == b""
    assert longest[:70] == expand(b"key", b"", 70)
    for size in (-1, 255 * 32 + 1):
        try:
            expand(b"key", b"", size)
        except ValueError:
            continue
        raise AssertionError(size)


def test_a_key_of_any_length_is_taken():
    codes = [hmac(bytes(range(1, size + 1)), b"message") for size in (0, 1, 63, 64, 65, 200)]
    assert len({code: 0 for code in codes}) == 6
    assert hmac(bytes(64), b"message") == hmac(b"", b"message")  # as the standard has it
    assert hmac(memoryview(b"key"), memoryview(b"me"), b"ssage") == hmac(b"key", b"message")
