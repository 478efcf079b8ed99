"""The key that a cluster shares, epoch by epoch.

What is sealed with it was said by a member; by which one, it does not prove. A member that leaves
is left behind by the next epoch. The frames of the epoch before are understood until `retire`.

Input    install, retire; of a frame to send: sealing; of one that came: opening
Effects  none; commits its record in the table
Bounds   two secrets, two `Keys` once they are used
Source   SPEC.md, "Protected frames"

    record `group`: [epoch, the one before or 0, first number sent under it, the secret, that of
    the one before or h'']
"""

from ..codec.cbor import decode, encode
from .nonces import LANE_ALL, NO_FLOOR
from .sealed import FOR_GROUP, KEY_MASK, Keys, is_weak

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Table
    from .nonces import Nonces
    from .port import Crypto

KEY = b"group"
EPOCH_MAX = (1 << 30) - 2
FRAMES_MAX = 1 << 20  # of one member under one key; then the next epoch is due

_RECORD_BYTES = 50


class Group:
    """The keys of one cluster, as its member."""

    def __init__(self, crypto: "Crypto", table: "Table", nonces: "Nonces") -> None:
        self.epoch = 0  # 0: none
        self._crypto = crypto
        self._table = table
        self._nonces = nonces
        self._before = 0
        self._since = 0  # the first number sent under this epoch
        self._secrets = [b"", b""]
        self._keys: list[Keys | None] = [None, None]
        self._is_known = False

    def know(self) -> bool:
        """Read what is on flash, once; tell whether it could be read."""
        if self._is_known:
            return True
        if not self._nonces.know():
            return False
        try:
            record = self._table.get(KEY)
        except OSError:
            return False
        self._is_known = True
        try:
            found: Any = decode(record or b"")
            self.epoch, self._before, self._since, secret, before = found
            self._secrets = [secret, before]
        except (TypeError, ValueError):
            self.epoch = 0
        return True

    def install(self, epoch: int, secret: bytes, is_fresh: bool = False) -> bool:
        """Begin an epoch; what is on flash says so before anything else does.

        A board that does not know which numbers it used may have used them under this very
        secret, in an earlier life. It listens only, until an epoch `is_fresh`: made now, and told
        by who made it, so that no earlier life of this board knew it.

        Returns: False for an epoch that is not after the present one.
        Raises: ValueError (the caller) for what is no secret; OSError when flash fails: nothing
                has changed then.
        """
        if is_weak(secret):
            raise ValueError
        if not self.know():
            raise OSError(5)
        if not self.epoch < epoch <= EPOCH_MAX or secret == self._secrets[0]:
            return False
        nonces = self._nonces
        floor = nonces.floor
        if floor == NO_FLOOR:
            floor = epoch - 1 if is_fresh else NO_FLOOR
        elif floor >= epoch:
            return False  # all keys up to there were given up
        since = nonces.next_of(LANE_ALL)
        nonces.stage(nonces.ceilings, floor)
        self._commit([epoch, self.epoch, since, secret, self._secrets[0]])
        nonces.floor = floor
        self._before, self.epoch, self._since = self.epoch, epoch, since
        self._secrets = [secret, self._secrets[0]]
        self._keys = [None, self._keys[0]]
        return True

    def retire(self) -> None:
        """Understand the epoch before no more: all have had time to learn of this one.

        Raises: OSError when flash fails: nothing has changed then.
        """
        if self._before:
            self._commit([self.epoch, 0, self._since, self._secrets[0], b""])
            self._before = 0
            self._secrets[1] = b""
            self._keys[1] = None

    def _commit(self, record: "list[Any]") -> None:
        self._table.put(KEY, encode(record, _RECORD_BYTES))
        self._table.commit()

    @property
    def is_worn(self) -> bool:
        """Tell whether the next epoch is due: we have sent 2**20 frames in this one."""
        return self.epoch > 0 and self._nonces.next_of(LANE_ALL) - self._since >= FRAMES_MAX

    def sealing(self) -> "Keys | None":
        """Return the keys for a frame that we send, None while we may not send any."""
        if not self.know() or not self.epoch or self.epoch <= self._nonces.floor:
            return None
        return self._keys_of(0)

    def opening(self, bits: int) -> "Keys | None":
        """Return the keys for a frame with these bits of its epoch, None if we lack them."""
        if not self.know():
            return None
        if self.epoch and self.epoch & KEY_MASK == bits:
            return self._keys_of(0)
        if self._before and self._before & KEY_MASK == bits:
            return self._keys_of(1)
        return None

    def is_present(self, bits: int) -> bool:
        """Tell whether a frame with these bits was sealed in the present epoch."""
        return self.epoch & KEY_MASK == bits

    def _keys_of(self, place: int) -> Keys:
        keys = self._keys[place]
        if keys is None:
            keys = self._keys[place] = Keys(self._crypto, self._secrets[place], FOR_GROUP)
        return keys

    def secret(self) -> bytes:
        """Return the present secret: to hand it on to a member, in a session, never otherwise."""
        return self._secrets[0]
