"""UTF-8 by the grammar of RFC 3629, at its edges."""

from kernel.codec.utf8 import is_utf8

GOOD = (
    b"",
    b"plain",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xe1\x80\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf1\x80\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"a\xc3\xbcb\xf0\x9f\x98\x80c",
)
BAD = (
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc2",
    b"\xc2\x7f",
    b"\xc2\xc0",
    b"\xe0\x9f\xbf",
    b"\xe1\x80",
    b"\xe1\x80\xc0",
    b"\xed\xa0\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf1\x80\x80\x7f",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"ok\xff",
)


def test_well_formed_text_is_text():
    for data in GOOD:
        assert is_utf8(data), data
        assert not is_utf8(data + b"\x80"), data


def test_everything_else_is_not():
    for data in BAD:
        assert not is_utf8(data), data
