"""Whom a node shares a secret with, and which of their frames have come.

A row keeps the last secret that its peer was heard to have. Who has sent enough under it goes on
to the next one; the peer follows when it hears that, and until then what it still sends under the
old one is understood. So neither can lose the other by a frame that is lost.

Input    install, end, find; of a frame to send: sealing; of one that came: opening, follow
Effects  none
Bounds   SESSIONS_MAX rows of ROW_BYTES, and two `Keys` a row once they are used
Source   SPEC.md, "Protected frames"

    a row adds: secret (16); number >> 20 when we began to send under it; its generation, modulo
    16. A marked row sends under the next secret.
"""

from .rows import HEAD_BYTES, MARKED, NOBODY, PINNED, Rows
from .sealed import FOR_PAIR, KEY_MASK, SECRET_BYTES, Keys, is_weak, next_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port import Crypto

SESSIONS_MAX = 8
ROW_BYTES = HEAD_BYTES + SECRET_BYTES + 2
ERA_BITS = 20  # a secret seals at most 2**20 frames

_ERA_AT = HEAD_BYTES + SECRET_BYTES
_GENERATION_AT = _ERA_AT + 1


class Sessions(Rows):
    """The sessions of one node."""

    SNAPSHOT_BYTES = SESSIONS_MAX * ROW_BYTES

    def __init__(self, crypto: "Crypto") -> None:
        super().__init__(SESSIONS_MAX, SESSIONS_MAX, ROW_BYTES)
        self._crypto = crypto
        self._keys: list[Keys | None] = [None] * (2 * SESSIONS_MAX)  # of a row, then of its next

    def peers(self) -> "list[int]":
        """Return whom there is a session with, whoever was heard or sent to last first."""
        return [self.node_of(row) for row in self.order if self.node_of(row)]

    def install(self, peer: int, secret: bytes, number: int, is_pinned: bool = False) -> bool:
        """Begin a session with the secret that a handshake left, instead of any there was.

        If all rows are taken, that used longest ago goes, but never a pinned one.
        Units: `number` is the next one that we give to a frame for one node.
        Returns: False if all are pinned.
        Raises: ValueError (the caller) for what is no secret, or one that another peer has.
        """
        if is_weak(secret):
            raise ValueError
        for other in self.peers():
            if other != peer and self.secret_for(other) == secret:
                raise ValueError
        row = self.find(peer)
        if row != NOBODY:
            is_pinned = is_pinned or self.cells[row * ROW_BYTES] & PINNED > 0
            self.end(peer)
        row = self.take(peer)
        if row == NOBODY:
            return False
        at = row * ROW_BYTES
        if is_pinned:
            self.cells[at] |= PINNED
        self.cells[at + HEAD_BYTES : at + _ERA_AT] = secret
        self.cells[at + _ERA_AT] = number >> ERA_BITS
        self._keys[row] = self._keys[SESSIONS_MAX + row] = None
        self.touch(row)
        return True

    def end(self, peer: int) -> None:
        """End a session, if there is one."""
        row = self.find(peer)
        if row != NOBODY:
            self.clear(row)
            self._keys[row] = self._keys[SESSIONS_MAX + row] = None

    def sealing(self, row: int, number: int) -> Keys:
        """Return the keys for a frame that we send; go on to the next after 2**20 of them."""
        at = row * ROW_BYTES
        if self.cells[at + _ERA_AT] != number >> ERA_BITS:
            self.cells[at + _ERA_AT] = number >> ERA_BITS
            self.cells[at] |= MARKED
        self.touch(row)
        return self.opening(row, self.sending_generation(row))  # type: ignore[return-value]

    def sending_generation(self, row: int) -> int:
        """Return the generation that `sealing` gave keys of, modulo 16."""
        at = row * ROW_BYTES
        return self.cells[at + _GENERATION_AT] + (self.cells[at] & MARKED > 0) & KEY_MASK

    def opening(self, row: int, generation: int) -> "Keys | None":
        """Return the keys for a frame of the peer, None if it is of no generation we know."""
        ahead = generation - self.cells[row * ROW_BYTES + _GENERATION_AT] & KEY_MASK
        if ahead > 1:
            return None
        place = row + ahead * SESSIONS_MAX
        keys = self._keys[place]
        if keys is None:
            secret = self._secret(row)
            keys = Keys(self._crypto, next_secret(secret) if ahead else secret, FOR_PAIR)
            self._keys[place] = keys
        return keys

    def follow(self, row: int, generation: int, number: int) -> None:
        """Go on to the secret under which a frame came that proved genuine.

        Units: `number` is the next one that we give to a frame for one node.
        """
        at = row * ROW_BYTES
        if self.cells[at + _GENERATION_AT] == generation:
            return
        self.cells[at + HEAD_BYTES : at + _ERA_AT] = next_secret(self._secret(row))
        self.cells[at + _ERA_AT] = number >> ERA_BITS
        self.cells[at + _GENERATION_AT] = generation
        self.cells[at] &= ~MARKED & 0xFF
        self._keys[row] = self._keys[SESSIONS_MAX + row]
        self._keys[SESSIONS_MAX + row] = None

    def turn(self) -> None:
        """Have all sessions go on to their next secrets, with the next frame that each sends."""
        for at in range(0, len(self.cells), ROW_BYTES):
            self.cells[at] |= MARKED

    def secret_for(self, peer: int) -> "bytes | None":
        """Return what else may be derived for this peer, None if there is no session."""
        row = self.find(peer)
        return None if row == NOBODY else self._secret(row)

    def _secret(self, row: int) -> bytes:
        at = row * ROW_BYTES
        return bytes(self.cells[at + HEAD_BYTES : at + _ERA_AT])
