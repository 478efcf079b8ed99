"""What protection takes of the heap, step by step; its code runs in place, as from flash.

Runs within the heap that is measured, in an image made as for a board. Prints how many bytes live
after each step.
"""

import gc

from cryptolib import aes
from native import loops

from kernel.codec import cbor, frame
from kernel.codec.spans import copy, read_short, write_short
from kernel.fields import read_word, write_word
from kernel.secure.pure import PureCrypto
from kernel.secure.session import Protection

PAYLOAD_BYTES = 100
HERS, OURS = 2, 1


class _Table:
    """A table in memory."""

    def __init__(self):
        self._held = {}

    def get(self, key):
        return self._held.get(key)

    def put(self, key, value):
        self._held[key] = value

    def delete(self, key):
        self._held.pop(key, None)

    def commit(self):
        """Keep it as it is."""


def _say(name):
    gc.collect()
    print(name, gc.mem_alloc())


def _random(count):
    return bytes(count)


def _used():
    """Use what an agent has without protection, so that it is not counted."""
    cbor.encode(cbor.decode(cbor.decode_next(b"", 0)[0]))
    copy(b"", 0, b"", 0, write_short(b"", 0, read_short(b"", write_word(b"", 0, 0))))
    frame.read_source(frame.read_target(read_word(b"", 0)))


def run(peers):
    """Install sessions, use each, and say what lives after every step."""
    _say("import")
    crypto, table = PureCrypto(aes, _random, loops), _Table()
    _say("port")
    one = Protection(crypto, table, OURS)
    _say("protection")
    for peer in range(HERS, HERS + peers):
        one.install(peer, bytes(range(peer, peer + 16)))
    _say("sessions")
    data = bytearray(250)
    for peer in range(HERS, HERS + peers):
        frame.write_header(data, frame.KIND_MESSAGE, 7, OURS, peer, 1)
        assert one.seal(data, 14 + PAYLOAD_BYTES) > 0
    _say("used")
    one.install_group(1, bytes(range(100, 116)), True)
    frame.write_header(data, frame.KIND_MESSAGE, 7, OURS, frame.BROADCAST, 1)
    assert one.seal(data, 14 + PAYLOAD_BYTES) > 0
    _say("group")
