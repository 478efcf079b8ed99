"""Whom a board knows: certificates that it has seen are found by key id, new ones are checked.

Input    find(reference), remember(credential); `node`, whose frames the messages come in, and what
         the authority said last
Effects  none; a commit of the table is the caller's
Bounds   one certificate per peer in the table, ACQUAINTANCES_MAX
Source   SPEC.md, "Handshakes"
"""

from hashlib import sha256

from .certificate import Certificate
from .edhoc import Credential, by_key_id, key_id_of
from .port import Crypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Table
    from .revocation import Revocations

ACQUAINTANCES_MAX = 32
KEY = b"cert/"
_BY_VALUE = b"\xa1\x0d"  # a map of the header parameter kcwt
_KEY_IDS = 48  # that are one byte in a message


class Acquaintances:
    """The certificates of one fleet's boards, for one handshake at a time.

    Units: `now_s` since 1970, 0 without a clock.
    Shape: nobody's certificate but that of `node` is found.
    """

    def __init__(self, table: "Table", crypto: Crypto, orders: "Revocations") -> None:
        self.orders = orders
        self._table = table
        self._crypto = crypto
        self.node = self.now_s = 0

    def find(self, reference: bytes) -> "Credential | None":
        """Return the credential to a reference, None if there is none to be believed."""
        kept = self._table.get(key_of(self.node)) or b""
        key_id = key_id_of(reference)
        data = kept if key_id else reference[2:]
        if key_id != name_of(kept) if key_id else reference[:2] != _BY_VALUE:
            return None
        try:
            held = Certificate(data)
        except ValueError:
            return None
        orders = self.orders
        # What costs least comes first: a signature takes a board most of a second.
        if (
            held.node != self.node
            or not held.holds(orders.network, orders.epoch, self.now_s)
            or orders.is_void(held)
            or (data != kept and not held.is_signed(orders.authority, self._crypto.verify))
        ):
            return None
        return Credential(reference, data, held.public)

    def remember(self, peer: Credential) -> None:
        """Stage the certificate of `node`, if there is room or it has one."""
        key = key_of(self.node)
        others = 0
        for stored in self._table.keys():  # noqa: SIM118 - a table is no dict
            others += stored != key and stored.startswith(KEY)
        if others < ACQUAINTANCES_MAX:
            self._table.put(key, peer.value)


def by_value(certificate: bytes) -> bytes:
    """Return the reference that holds a certificate."""
    return _BY_VALUE + certificate


def by_name(certificate: bytes) -> bytes:
    """Return the reference to a certificate that the other side has kept."""
    return by_key_id(name_of(certificate))


def name_of(certificate: bytes) -> bytes:
    """Return the key id of a certificate: a byte, enough beside the node that it comes from."""
    number = sha256(certificate).digest()[0] % _KEY_IDS
    return bytes((number if number < 24 else number + 8,))


def key_of(node: int) -> bytes:
    """Return under which key of the table a board's certificate is kept."""
    return KEY + bytes((node >> 24, node >> 16 & 0xFF, node >> 8 & 0xFF, node & 0xFF))


def node_of(key: bytes) -> int:
    """Return whose certificate is kept under a key."""
    return key[-4] << 24 | key[-3] << 16 | key[-2] << 8 | key[-1]
