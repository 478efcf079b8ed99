"""Protect frames: what leaves is sealed, what comes is opened or refused.

A frame for one node is sealed with the secret that the two share, from end to end over all hops; a
frame to all with the key of the cluster. Nothing that is refused changes anything.

Input    seal and open, in the buffer of a frame; sessions and the group's epochs as they come
Effects  none; numbers are reserved in the table
Bounds   SEALED_BYTES a frame; SNAPSHOT_BYTES
Source   SPEC.md, "Protected frames"; sealed.py has the bytes
"""

from ..codec.frame import BROADCAST, read_source, read_target
from ..codec.spans import read_short, write_short
from ..fields import read_word, write_word
from ..limits import FRAME_BYTES_MAX, HEADER_BYTES
from .group import KEY, Group
from .nonces import LANE_ALL, LANE_ONE, Nonces
from .port import NONCE_BYTES
from .rows import NOBODY
from .sealed import (
    PROTECTED,
    SEALED_BYTES,
    is_sealed,
    make_aad,
    number_of,
    tag_end,
    write_aad,
    write_nonce,
    write_number,
)
from .senders import Senders
from .sessions import Sessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Table
    from .port import Aead, Crypto
    from .sealed import Keys

# Why a frame was not sealed or not opened: all below zero.
REFUSED_FORM = -1  # no protected frame, or none for us
REFUSED_NO_KEY = -2  # no session with this node, or no key of this epoch
REFUSED_REPLAY = -3
REFUSED_FORGED = -4
REFUSED_NO_NUMBER = -5  # flash takes no reservation, or all numbers are used up
REFUSED_OURS = -6  # our own frame, thrown back at us
REFUSED_CLONE = -7  # a member sent it under our id: a clone of us, or one that lies

# What an opened frame proves of who sent it.
PROVES_MEMBER_ONCE = 1  # a member sent it in this epoch, perhaps some time ago
PROVES_MEMBER = 2  # a member sent it, and it was not accepted before
PROVES_SENDER = 3  # the node in its header sent it to us, and it was not accepted before

FORGERIES_MAX = 1 << 20  # against all keys; then they go on to the next: 2**-44 for all of them


class Protection:
    """All keys of one node, and what keeps each nonce from being used twice."""

    SNAPSHOT_BYTES = Nonces.SNAPSHOT_BYTES + 4 + Sessions.SNAPSHOT_BYTES + Senders.SNAPSHOT_BYTES

    def __init__(self, crypto: "Crypto", table: "Table", node: int) -> None:
        self.nonces = Nonces(table)
        self.sessions = Sessions(crypto)
        self.group = Group(crypto, table, self.nonces)
        self.senders = Senders()
        self.proves = 0  # of the frame that was opened last
        self.forged = 0  # since keys changed for it last
        self.is_epoch_due = False  # too much was forged, or sent, under the group's key
        self._crypto, self._table, self._node = crypto, table, node
        self._aad = make_aad()
        self._nonce = bytearray(NONCE_BYTES)

    def install(self, peer: int, secret: bytes, is_pinned: bool = False) -> bool:
        """Begin a session, as `Sessions.install`.

        Raises: ValueError (the caller) for an id that no other node has.
        """
        if peer == self._node or not 0 < peer < BROADCAST:
            raise ValueError
        self.nonces.know()
        return self.sessions.install(peer, secret, self.nonces.next_of(LANE_ONE), is_pinned)

    def install_group(self, epoch: int, secret: bytes, is_fresh: bool = False) -> bool:
        """Begin an epoch, as `Group.install`."""
        if not self.group.install(epoch, secret, is_fresh):
            return False
        self.senders.begin()
        self.is_epoch_due = False
        return True

    def seal(self, frame: bytearray, length: int) -> int:
        """Number and protect a frame, where it lies; SEALED_BYTES of room stand behind it.

        Returns: its new length, or why it was not sealed; then it must not be sent.
        Raises: ValueError (the caller) for one that is too long, sealed already, or not ours.
        """
        if not HEADER_BYTES < length <= FRAME_BYTES_MAX - SEALED_BYTES:
            raise ValueError
        if read_source(frame) != self._node or frame[1] & PROTECTED:
            raise ValueError
        keys: "Keys | None" = None
        number = bits = 0
        target = read_target(frame)
        if target == BROADCAST:
            keys = self.group.sealing()
            if keys:
                number, bits = self.nonces.take(LANE_ALL), self.group.epoch
                self.is_epoch_due |= self.group.is_worn
        else:
            row = self.sessions.find(target)
            if row != NOBODY:
                number = self.nonces.take(LANE_ONE)
            if row != NOBODY and number >= 0:
                keys = self.sessions.sealing(row, number)
                bits = self.sessions.sending_generation(row)
        if number < 0:
            return REFUSED_NO_NUMBER
        if keys is None:
            return REFUSED_NO_KEY
        frame[1] |= PROTECTED
        high = write_number(frame, number, bits)
        aead = self._aead_for(keys, frame, high)
        end = aead.seal(self._nonce, self._aad, frame, HEADER_BYTES, length)
        return write_short(frame, end, high)

    def open(self, frame: bytearray, length: int) -> int:  # noqa: PLR0911 - one for each refusal
        """Verify a frame and make it what it was before `seal`, where it lies.

        `proves` says who sent it. A forged frame's payload is zeros afterwards.
        Returns: its new length, or why it is refused.
        """
        self.proves = 0
        if not is_sealed(frame, length):
            return REFUSED_FORM
        source, target = read_source(frame), read_target(frame)
        if source in (0, BROADCAST):
            return REFUSED_FORM
        if target == BROADCAST:
            return self._open_of_group(frame, length, source)
        if target != self._node or source == target:
            return REFUSED_FORM
        row = self.sessions.find(source)
        high = read_short(frame, length - 2)
        keys = None if row == NOBODY else self.sessions.opening(row, high >> 12)
        if keys is None:
            return REFUSED_NO_KEY
        number = number_of(frame, high)
        if not self.sessions.is_new(row, number):
            return REFUSED_REPLAY
        end = self._verify(keys, frame, length, high)
        if end > 0:
            self.sessions.accept(row, number)
            self.sessions.follow(row, high >> 12, self.nonces.next_of(LANE_ONE))
            self.proves = PROVES_SENDER
        return end

    def _open_of_group(self, frame: bytearray, length: int, source: int) -> int:
        high = read_short(frame, length - 2)
        keys = self.group.opening(high >> 12)
        if keys is None:
            return REFUSED_NO_KEY
        number = number_of(frame, high)
        if source == self._node:
            if number < self.nonces.next_of(LANE_ALL):
                return REFUSED_OURS
            end = self._verify(keys, frame, length, high)
            return REFUSED_CLONE if end > 0 else end
        row = self.senders.find(source)
        if row != NOBODY and not self.senders.is_new(row, number):
            return REFUSED_REPLAY
        end = self._verify(keys, frame, length, high)
        if end > 0:
            is_fresh = self.senders.hear(row, source, number)
            is_present = self.group.is_present(high >> 12)
            self.proves = PROVES_MEMBER if is_fresh and is_present else PROVES_MEMBER_ONCE
        return end

    def _verify(self, keys: "Keys", frame: bytearray, length: int, high: int) -> int:
        """Decrypt a frame; return where its payload ends, or REFUSED_FORGED."""
        aead = self._aead_for(keys, frame, high)
        end = aead.open(self._nonce, self._aad, frame, HEADER_BYTES, tag_end(length))
        if end < 0:
            self._count_forgery()
            return REFUSED_FORGED
        frame[1] &= ~PROTECTED & 0xFF
        return end

    def _aead_for(self, keys: "Keys", frame: bytearray, high: int) -> "Aead":
        write_aad(self._aad, frame)
        write_nonce(self._nonce, keys.iv, frame, high)
        return keys.aead

    def _count_forgery(self) -> None:
        self.forged += 1
        if self.forged >= FORGERIES_MAX:
            self.forged = 0
            self.sessions.turn()
            self.is_epoch_due = self.group.epoch > 0

    def renew(self) -> None:
        """Give up all keys, and only then count from the begin: numbers are used up.

        Raises: OSError when flash fails: nothing has changed then.
        """
        if not self.group.know():
            raise OSError(5)
        self.nonces.stage([0, 0], max(self.group.epoch, self.nonces.floor))
        self._table.delete(KEY)
        self._table.commit()
        self.__init__(self._crypto, self._table, self._node)  # type: ignore[misc]

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a deep sleep must not forget; secrets are part of it."""
        offset = self.nonces.save_into(buffer, offset)
        offset = write_word(buffer, offset, self.forged * 2 + self.senders.is_whole())
        offset = self.sessions.save_into(buffer, offset)
        return self.senders.save_into(buffer, offset)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote, before anything is sealed or opened."""
        offset = self.nonces.load_from(buffer, offset)
        flags = read_word(buffer, offset)
        self.forged = min(flags >> 1, FORGERIES_MAX)
        self.senders.is_complete = flags & 1 > 0
        offset = self.sessions.load_from(buffer, offset + 4)
        return self.senders.load_from(buffer, offset)
