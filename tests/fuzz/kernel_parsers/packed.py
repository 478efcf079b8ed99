"""Payloads that travel deflated, and the encoder: what it packs, the port unpacks."""

from array import array
from binascii import unhexlify

from kernel.codec import packed
from kernel.codec.deflate import PLACES
from kernel.limits import MESSAGE_BYTES_MAX
from support.inflate import inflate

MODULES = ("kernel.codec.packed", "kernel.codec.deflate")
RAW, PACK = range(2)


def _packed(payload):
    out, places = bytearray(len(payload)), array("H", bytes(2 * PLACES))
    size = packed.pack(payload, len(payload), out, places)
    return bytes(out[:size])


def seeds():
    """Return payloads to pack, packed ones, and one that grows beyond all bounds."""
    texts = [
        b"abcabcabcabcabcabc",
        bytes(900),
        b"\x82\x64temp\x19\x01\x02" * 20,
        bytes(range(200)),
    ]
    bomb = unhexlify("fcedc13101000000c2a0f54f6d0d0fa00000807703")  # 3,000 zeros
    made = [bytes((PACK,)) + text for text in texts]
    return made + [bytes((RAW,)) + _packed(text) for text in texts[:3]] + [bytes((RAW,)) + bomb]


def take(data):
    """Return what a payload is when it is not packed."""
    form, body = (data[0] % 2, data[1 : 1 + MESSAGE_BYTES_MAX]) if data else (RAW, b"")
    if not body:
        return b""
    if form == PACK and body[0] != packed.PACKED:
        small = _packed(body)
        assert not small or (len(small) < len(body) and packed.unpack(small, inflate) == body)
        return small
    try:
        made = packed.unpack(body, inflate)
    except ValueError:
        return b""
    assert len(made) <= MESSAGE_BYTES_MAX and (made == body or len(made) > len(body))
    assert (body[0] == packed.PACKED) == (made != body)
    return bytes(made)
