"""A window of VCDIFF against a source that is known; the first two bytes are the target's size."""

from kernel.release.vcdiff import DeltaError, apply

MODULES = ("kernel.release.vcdiff",)
SOURCE = bytes([(7 * at + (at >> 5)) & 0xFF for at in range(1_024)])
TARGET_BYTES_MAX = 4_096


def _read(address, buffer):
    size = len(buffer)
    assert 0 <= address <= address + size <= len(SOURCE), "reads beyond the source"
    buffer[:] = SOURCE[address : address + size]


def _window(size, span, added, told, addresses):
    # All numbers below 128 but the sizes, which take two bytes.
    def number(value):
        return bytes((0x80 | value >> 7, value & 0x7F))

    head = b"\x01" + number(span) + number(0) if span else b"\x00"
    body = number(size) + b"\x00" + bytes((len(added), len(told), len(addresses)))
    body += added + told + addresses
    return bytes((size >> 8, size & 0xFF)) + head + number(len(body)) + body


def seeds():
    """Return windows with every kind of instruction."""
    return [
        _window(4, 0, b"abcd", b"\x05", b""),
        _window(300, 0, b"a", b"\x00\x82\x2c", b""),
        _window(20, 1_024, b"abcd", b"\x05\x23\x10", b"\x03"),
        _window(24, 1_024, b"ab", b"\x15\x14\xa3\xf7", b"\x03\x05\x07\x09"),
        _window(600, 0, b"ab", b"\x03\x13\x84\x56", b"\x00"),
        _window(40, 64, b"abcd", b"\x14\x24\x34\x44\x54\x64\x74\x84\x94\xeb", b"\x01" * 10),
    ]


def take(data):
    """Return the target."""
    size = data[0] << 8 | data[1] if len(data) > 1 else 0
    target = bytearray(size % (TARGET_BYTES_MAX + 1))
    window = data[2:]
    try:
        apply(window, _read, len(SOURCE), target)
    except DeltaError:
        return b""
    again = bytearray(b"\xff" * len(target))
    apply(window, _read, len(SOURCE), again)
    assert again == target, "a byte of the target was not written"
    return bytes(target)
