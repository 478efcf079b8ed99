"""Whom a node shares a secret with, and which of their frames have come.

A row keeps the last secret that its peer was heard to have. Who has sent enough under it goes on
to the next one; the peer follows when it hears that, and until then what it still sends under the
old one is understood. So neither can lose the other by a frame that is lost.

Input    install, forget, find; of a frame to send: sealing; of one that came: opening, accept
Effects  none
Bounds   SESSIONS_MAX rows of ROW_BYTES, and two `Keys` a row once they are used
Source   SPEC.md, "Protected frames"

    row: word: node id, + 2**31 pinned, + 2**30 we send under the next secret; secret (16);
    number >> 20 when we began to send under this secret; 4 bits generation and 28 the newest
    number; word: which of the 30 up to it were seen
"""

from ..codec.spans import read_short, write_short
from ..fields import read_word, write_word
from .replay import SEEN_BITS_MAX, after, is_new, touch
from .sealed import FOR_PAIR, KEY_MASK, Keys, is_weak, next_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port import Crypto

SESSIONS_MAX = 8
ROW_BYTES = 29
NOBODY = -1
ERA_BITS = 20  # a secret seals at most 2**20 frames

_PINNED, _AHEAD = 0x80, 0x40  # in a row's first byte
_SECRET_AT, _ERA_AT, _NEWEST_AT, _SEEN_AT = 4, 20, 21, 25


class Sessions:
    """The sessions of one node, the one used last in front."""

    SNAPSHOT_BYTES = SESSIONS_MAX * ROW_BYTES

    def __init__(self, crypto: "Crypto") -> None:
        self._crypto = crypto
        self._rows = bytearray(SESSIONS_MAX * ROW_BYTES)
        self._order = bytearray(range(SESSIONS_MAX))
        self._keys: list[Keys | None] = [None] * (2 * SESSIONS_MAX)  # of a row, then of its next

    def find(self, peer: int) -> int:
        """Return the row of a peer, NOBODY if there is none."""
        for row in range(SESSIONS_MAX):
            if read_word(self._rows, row * ROW_BYTES) == peer and peer:
                return row
        return NOBODY

    def peers(self) -> "list[int]":
        """Return whom there is a session with, whoever was heard or sent to last first."""
        found = [read_word(self._rows, row * ROW_BYTES) for row in self._order]
        return [peer for peer in found if peer]

    def install(self, peer: int, secret: bytes, number: int, is_pinned: bool = False) -> bool:
        """Begin a session with the secret that a handshake left, instead of any there was.

        If all rows are taken, that used longest ago goes, but never a pinned one.
        Units: `number` is the next one that we give to a frame for one node.
        Returns: False if all are pinned.
        Raises: ValueError (the caller) for what is no secret, or one that another peer has.
        """
        if is_weak(secret):
            raise ValueError("a secret has 16 bytes that somebody drew")
        row = self._row_for(peer, secret)
        if row == NOBODY:
            return False
        at = row * ROW_BYTES
        if self._rows[at] & _PINNED:
            is_pinned = True  # only `forget` ends that
        self._clear(row)
        write_word(self._rows, at, peer)
        if is_pinned:
            self._rows[at] |= _PINNED
        self._rows[at + _SECRET_AT : at + _ERA_AT] = secret
        self._rows[at + _ERA_AT] = number >> ERA_BITS
        touch(self._order, row)
        return True

    def _row_for(self, peer: int, secret: bytes) -> int:
        found = free = NOBODY
        for row in self._order:  # whoever was used longest ago is the last that fits
            at = row * ROW_BYTES
            other = read_word(self._rows, at)
            if other == peer:
                found = row
            elif other and self._rows[at + _SECRET_AT : at + _ERA_AT] == secret:
                raise ValueError("another peer has this secret")
            if not self._rows[at] & _PINNED and (not other or free == NOBODY or self._id(free)):
                free = row
        return free if found == NOBODY else found

    def _id(self, row: int) -> int:
        return read_word(self._rows, row * ROW_BYTES)

    def forget(self, peer: int) -> None:
        """End a session, if there is one."""
        row = self.find(peer)
        if row != NOBODY:
            self._clear(row)

    def forget_all(self) -> None:
        """End all of them."""
        for row in range(SESSIONS_MAX):
            self._clear(row)

    def _clear(self, row: int) -> None:
        for index in range(row * ROW_BYTES, (row + 1) * ROW_BYTES):
            self._rows[index] = 0
        self._keys[row] = self._keys[SESSIONS_MAX + row] = None

    def sealing(self, row: int, number: int) -> Keys:
        """Return the keys for a frame that we send; go on to the next after 2**20 of them."""
        at = row * ROW_BYTES
        if self._rows[at + _ERA_AT] != number >> ERA_BITS:
            self._rows[at + _ERA_AT] = number >> ERA_BITS
            self._rows[at] |= _AHEAD
        touch(self._order, row)
        return self._keys_of(row, bool(self._rows[at] & _AHEAD))

    def sending_generation(self, row: int) -> int:
        """Return the generation that `sealing` gave keys of, modulo 16."""
        at = row * ROW_BYTES
        return (self._rows[at + _NEWEST_AT] >> 4) + (self._rows[at] >> 6 & 1) & KEY_MASK

    def opening(self, row: int, generation: int) -> "Keys | None":
        """Return the keys for a frame of the peer, None if it is of no generation we know."""
        ahead = generation - (self._rows[row * ROW_BYTES + _NEWEST_AT] >> 4) & KEY_MASK
        return self._keys_of(row, ahead == 1) if ahead < 2 else None

    def is_new(self, row: int, number: int) -> bool:
        """Tell whether no frame of this number was accepted before."""
        at = row * ROW_BYTES
        seen = read_word(self._rows, at + _SEEN_AT)
        return is_new(self._newest(at), seen, number, SEEN_BITS_MAX)

    def accept(self, row: int, number: int, generation: int, next_number: int) -> None:
        """Note a frame that proved genuine and is new; follow its sender to the next secret.

        Units: `next_number` is the next one that we give to a frame for one node.
        """
        at = row * ROW_BYTES
        rows = self._rows
        newest = self._newest(at)
        seen = after(newest, read_word(rows, at + _SEEN_AT), number, SEEN_BITS_MAX)
        write_word(rows, at + _SEEN_AT, seen)
        if rows[at + _NEWEST_AT] >> 4 != generation:
            rows[at + _SECRET_AT : at + _ERA_AT] = next_secret(self._secret(row))
            rows[at + _ERA_AT] = next_number >> ERA_BITS
            rows[at] &= ~_AHEAD & 0xFF
            self._keys[row] = self._keys[SESSIONS_MAX + row]
            self._keys[SESSIONS_MAX + row] = None
        newest = max(newest, number)
        write_short(rows, at + _NEWEST_AT, generation << 12 | newest >> 16)
        write_short(rows, at + _NEWEST_AT + 2, newest & 0xFFFF)
        touch(self._order, row)

    def turn(self) -> None:
        """Have all sessions go on to their next secrets, with the next frame that each sends."""
        for row in range(SESSIONS_MAX):
            if self._id(row):
                self._rows[row * ROW_BYTES] |= _AHEAD

    def secret_for(self, peer: int) -> "bytes | None":
        """Return what else may be derived for this peer, None if there is no session."""
        row = self.find(peer)
        return None if row == NOBODY else self._secret(row)

    def _secret(self, row: int) -> bytes:
        at = row * ROW_BYTES
        return bytes(self._rows[at + _SECRET_AT : at + _ERA_AT])

    def _newest(self, at: int) -> int:
        high = read_short(self._rows, at + _NEWEST_AT) & 0xFFF
        return high << 16 | read_short(self._rows, at + _NEWEST_AT + 2)

    def _keys_of(self, row: int, is_next: bool) -> Keys:
        place = row + (SESSIONS_MAX if is_next else 0)
        keys = self._keys[place]
        if keys is None:
            secret = self._secret(row)
            keys = Keys(self._crypto, next_secret(secret) if is_next else secret, FOR_PAIR)
            self._keys[place] = keys
        return keys

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write all rows, the one used last first: the secrets, so only where a key may stand."""
        for row in self._order:
            for index in range(row * ROW_BYTES, (row + 1) * ROW_BYTES):
                buffer[offset] = self._rows[index]
                offset += 1
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        for row in range(SESSIONS_MAX):
            self._order[row] = row
            self._keys[row] = self._keys[SESSIONS_MAX + row] = None
        for index in range(len(self._rows)):
            self._rows[index] = buffer[offset + index]
        return offset + len(self._rows)
