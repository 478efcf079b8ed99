"""Whether two boards have one key, or two keys one node.

A board counts its boots in flash and draws a number at each. Both are told inside what its key
authenticates. A copy of a board has the key and the count, but draws other numbers: where one is
heard after the other, the count goes back, or stands still beside another number. A single board
never does that, however often it reboots.

Input    on_proof(key, node, boots, drawn), each authenticated and no replay
Effects  none
Bounds   PEERS_MAX peers, the one heard least recently is forgotten; a peer whose count wraps by
         2**15 boots unheard is taken for a copy
"""

from struct import pack_into, unpack_from

PEERS_MAX = 8
KEY_BYTES = 4  # of a key's beginning: two peers of a cluster of 50 share it once in 3 million
IS_FINE, IS_COPIED, IS_DOUBLED = range(3)
_RECORD = ">4sIHH"
_RECORD_BYTES = 12


class Clones:
    """What was last proven by each peer, those heard last first."""

    SNAPSHOT_BYTES = PEERS_MAX * _RECORD_BYTES

    def __init__(self) -> None:
        self._records = bytearray(self.SNAPSHOT_BYTES)

    def on_proof(self, key: bytes, node: int, boots: int, drawn: int) -> int:
        """Compare a proof with what its peer proved last; returns what it shows.

        A copy replaces what was known, so that each change between the two is told.
        Units: `boots` and `drawn` are taken modulo 2**16.
        """
        key, boots, drawn = key[:KEY_BYTES], boots & 0xFFFF, drawn & 0xFFFF
        verdict, found = IS_FINE, self.SNAPSHOT_BYTES - _RECORD_BYTES
        for at in range(0, self.SNAPSHOT_BYTES, _RECORD_BYTES):
            its_key, its_node, its_boots, its_drawn = unpack_from(_RECORD, self._records, at)
            if its_key == key:
                found = at
                is_older = (boots - its_boots) & 0x8000
                if is_older or (boots == its_boots and drawn != its_drawn):
                    verdict = IS_COPIED
            elif its_node == node and any(its_key) and not verdict:
                verdict = IS_DOUBLED
        # The records before it move back by one; it comes first.
        self._records[_RECORD_BYTES : found + _RECORD_BYTES] = self._records[:found]
        pack_into(_RECORD, self._records, 0, key, node, boots, drawn)
        return verdict

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleep must not forget."""
        end = offset + self.SNAPSHOT_BYTES
        buffer[offset:end] = self._records
        return end

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take it back."""
        end = offset + self.SNAPSHOT_BYTES
        self._records[:] = buffer[offset:end]
        return end
