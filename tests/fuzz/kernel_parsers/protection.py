"""Protected frames, of a session and of a group, some of them sealed right: whatever they hold.

A record's head: how its body is sent. Raw; or as the payload of a frame whose kind, source and
target, number and key are the head's, sealed under that key. No number is opened twice.
"""

from fuzz.records import record, records

from kernel.codec.cbor import encode
from kernel.codec.frame import BROADCAST, read_source, read_target, write_header
from kernel.codec.spans import read_short, write_short
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.secure import sealed
from kernel.secure.port import NONCE_BYTES
from kernel.secure.session import PROVES_SENDER, REFUSED_CLONE, REFUSED_FORGED, Protection
from support import crypto
from support.protected import secret
from support.script import MemoryTable

MODULES = (
    "kernel.secure.session", "kernel.secure.sealed", "kernel.secure.sessions",
    "kernel.secure.senders", "kernel.secure.rows", "kernel.secure.group",
)  # fmt: skip
US, THEM, FRIEND = 11, 22, 44
RAW, PAIR, NEXT, PRESENT, BEFORE = range(5)
_NODES = (THEM, US, 33, BROADCAST, 0, 0x40000001)
_HEAD_BYTES = 7
_PORT = crypto.make(bytes)
_SECRET = secret(1)
_KEYS = {
    PAIR: (0, sealed.Keys(_PORT, _SECRET, sealed.FOR_PAIR)),
    NEXT: (1, sealed.Keys(_PORT, sealed.next_secret(_SECRET), sealed.FOR_PAIR)),
    PRESENT: (2, sealed.Keys(_PORT, secret(12), sealed.FOR_GROUP)),
    BEFORE: (1, sealed.Keys(_PORT, secret(11), sealed.FOR_GROUP)),
}
_FRIENDS = sealed.Keys(_PORT, secret(3), sealed.FOR_PAIR)


def _sealed(keys, bits, header, number, payload):
    frame = bytearray(FRAME_BYTES_MAX)
    write_header(frame, *header, 0)
    frame[1] |= sealed.PROTECTED
    frame[HEADER_BYTES : HEADER_BYTES + len(payload)] = payload
    high = sealed.write_number(frame, number, bits)
    aad, nonce = sealed.make_aad(), bytearray(NONCE_BYTES)
    sealed.write_aad(aad, frame)
    sealed.write_nonce(nonce, keys.iv, frame, high)
    end = keys.aead.seal(nonce, aad, frame, HEADER_BYTES, HEADER_BYTES + len(payload))
    return bytes(frame[: write_short(frame, end, high)])


def _made(head, body):
    # The head: form, in its high half what is wrong with the key's bits; source and target, as
    # places in _NODES; kind; the number.
    form = (head[0] & 15) % 5
    if form == RAW:
        return form, bytes(body)
    source, target = _NODES[(head[1] >> 4) % 6], _NODES[(head[1] & 15) % 6]
    number = (head[3] << 24 | head[4] << 16 | head[5] << 8 | head[6]) & (1 << 28) - 1
    bits, keys = _KEYS[form]
    payload = body[: FRAME_BYTES_MAX - HEADER_BYTES - sealed.SEALED_BYTES]
    header = (head[2] & 0x7F, 7, source, target)
    return form, _sealed(keys, bits ^ head[0] >> 4, header, number, payload)


def _head(form, nodes, number, kind=4):
    return bytes(
        (form, nodes, kind, number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255)
    )


def seeds():
    """Return frames for one and for all: in order, late, twice, and under old and new keys."""
    one, to_all = 0x01, 0x03
    made = []
    for form, nodes in ((PAIR, one), (PRESENT, to_all), (BEFORE, to_all)):
        numbers = (5, 3, 5, 40, 24, 25, 1 << 20)
        made.append(b"".join([record(_head(form, nodes, each), b"payload") for each in numbers]))
    made.append(record(_head(NEXT, one, 9), b"n") + record(_head(PAIR, one, 10), b"p"))
    made.append(record(_head(PRESENT, 0x13, 9), b"clone") + record(_head(PRESENT, 0x23, 9), b"x"))
    frame = _sealed(_KEYS[PAIR][1], 0, (4, 7, THEM, US), 77, b"raw")
    made.append(record(_head(RAW, 0, 0), frame[:-3] + b"\x00" + frame[-2:]))
    made.append(record(_head(RAW, 0, 0), frame) + record(_head(RAW, 0, 0), frame[:-1]))
    return made


def _node():
    protection = Protection(_PORT, MemoryTable(), US)
    for epoch in (1, 2):
        assert protection.install_group(epoch, secret(10 + epoch), is_fresh=True)
    assert protection.install(THEM, _SECRET) and protection.install(FRIEND, secret(3))
    return protection


def take(data):
    """Return what was opened, and why what was not."""
    protection, told, opened = _node(), [], set()
    forged = 0
    for head, body in records(data, _HEAD_BYTES):
        form, frame = _made(head, body)
        buffer = bytearray(frame)
        length = protection.open(buffer, len(buffer))
        told.append((length, protection.proves))
        forged += length == REFUSED_FORGED
        assert protection.forged == forged
        if length < 0:
            # It is as it was, or wiped; a clone's is genuine, and told.
            is_wiped = not any(buffer[HEADER_BYTES : len(frame) - 2])
            assert buffer == frame or length in (REFUSED_FORGED, REFUSED_CLONE)
            assert length != REFUSED_FORGED or is_wiped
            continue
        _check_opened(form, frame, buffer[:length], protection.proves)
        number = sealed.number_of(frame, read_short(frame, len(frame) - 2))
        which = (form if form > NEXT else PAIR, read_source(frame), number)
        assert form == RAW or which not in opened, "opened twice"
        opened.add(which)
    _check_friend(protection)
    return encode(told, 16 * len(told) + 16)


def _check_opened(form, frame, plain, proves):
    # A raw one cannot be made by chance: it is that of the seeds.
    assert form != RAW or frame == _sealed(_KEYS[PAIR][1], 0, (4, 7, THEM, US), 77, b"raw")
    assert plain[1] == frame[1] & 0x7F and len(plain) == len(frame) - sealed.SEALED_BYTES
    is_for_all = read_target(frame) == BROADCAST
    assert (proves == PROVES_SENDER) == (not is_for_all) and proves > 0
    if not is_for_all:
        assert (read_source(frame), read_target(frame)) == (THEM, US)


def _check_friend(protection):
    frame = bytearray(_sealed(_FRIENDS, 0, (4, 7, FRIEND, US), 8, b"hello"))
    length = protection.open(frame, len(frame))
    assert frame[HEADER_BYTES:length] == b"hello" and protection.proves == PROVES_SENDER
