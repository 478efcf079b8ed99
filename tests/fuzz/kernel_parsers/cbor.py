"""CBOR: both readers, held to the writer."""

from kernel.codec import cbor

MODULES = ("kernel.codec.cbor", "kernel.codec.floats", "kernel.codec.utf8")
GOOD = {1: "name", 2: [True, None, -70000, 1.5], 3: b"bytes"}


def seeds():
    """Return items of every kind."""
    items = [
        GOOD,
        1 << 70,
        -1 - (1 << 80),
        0.1,
        65504.0,
        cbor.Tag(1, 9),
        cbor.Tag(cbor.SIMPLE, 23),
    ]
    made = [cbor.encode(item) for item in items]
    made += [b"\x5f\x41\x00\x41\x01\xff", b"\x7f\x61a\xff", b"\x9f\x01\xff", b"\xbf\x01\x02\xff"]
    return made


def take(data):
    """Return the encoding of what the general reader makes of an input."""
    general, strict = _read(cbor.decode_any, data), _read(cbor.decode, data)
    # The strict reader takes what the writer makes, and nothing else.
    assert strict == (data if general == data else None)
    value, end = _next(data)
    assert (0 < end == len(data)) == (strict is not None)
    if end:
        assert cbor.encode(value, end) == data[:end]
    assert cbor.decode(cbor.encode(GOOD)) == GOOD
    return general or b""


def _read(reader, data):
    try:
        return cbor.encode(reader(data), 2 * len(data) + 16)
    except cbor.CborError:
        return None


def _next(data):
    try:
        return cbor.decode_next(data, 0)
    except cbor.CborError:
        return None, 0
