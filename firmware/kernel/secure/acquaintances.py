"""Whom a board knows: certificates that it has seen are found by key id, new ones are checked.

Input    expect(node), find(reference), remember(credential), forget(node), knows(node)
Effects  none; a commit of the table is the caller's
Bounds   one certificate per peer in the table, ACQUAINTANCES_MAX
Source   SPEC.md, "Who is who"
"""

from hashlib import sha256

from . import certificate as certificates
from .credential import CWT, Credential, Peers, by_key_id, key_id_of
from .port import Crypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Table

ACQUAINTANCES_MAX = 32
_KEY = b"cert/"
_BY_VALUE = b"\xa1" + bytes((CWT,))
_KEY_IDS = 48  # that are one byte in a message


class Acquaintances(Peers):
    """The certificates of one fleet's boards, for one handshake at a time.

    Units: `now_s` since 1970, 0 without a clock; `epoch` the least that is not void.
    """

    def __init__(self, table: "Table", crypto: Crypto, authority: bytes, network: int) -> None:
        self._table = table
        self._verify = crypto.verify
        self._authority = authority
        self._network = network
        self._node = 0
        self.epoch = self.now_s = 0

    def expect(self, node: int) -> None:
        """Say whose frames the next messages come in: nobody else's certificate will do."""
        self._node = node

    def find(self, reference: bytes) -> "Credential | None":
        """Return the credential to a reference, None if there is none to be believed."""
        key_id = key_id_of(reference)
        is_new = key_id is None
        if not is_new:
            data = self._table.get(_key_of(self._node)) or b""
            if key_id != name_of(data):
                return None
        elif reference[:2] == _BY_VALUE:
            data = reference[2:]
        else:
            return None
        try:
            held = certificates.read(data)
        except certificates.CertificateError:
            return None
        # What costs least comes first: a signature takes a board most of a second.
        if held.node != self._node or certificates.check(
            held, self._network, self.epoch, self.now_s
        ):
            return None
        is_kept = not is_new or data == self._table.get(_key_of(self._node))
        if not is_kept and not certificates.is_signed(data, self._authority, self._verify):
            return None
        return Credential(reference, data, held.public)

    def knows(self, node: int) -> bool:
        """Tell whether a board's certificate is kept, and so most likely ours there."""
        return self._table.get(_key_of(node)) is not None

    def remember(self, credential: Credential) -> None:
        """Stage the certificate of the board that was expected, if there is room or it has one.

        Raises: ValueError for one that is no certificate (caller).
        """
        key = _key_of(self._node)
        stored = self._table.keys()
        others = [kept for kept in stored if kept.startswith(_KEY)]
        if key in others or len(others) < ACQUAINTANCES_MAX:
            self._table.put(key, credential.value)

    def forget(self, node: int) -> None:
        """Stage that a board's certificate is kept no more."""
        self._table.delete(_key_of(node))


def by_value(data: bytes) -> bytes:
    """Return the reference that holds a certificate."""
    return _BY_VALUE + data


def by_name(data: bytes) -> bytes:
    """Return the reference to a certificate that the other side has kept."""
    return by_key_id(name_of(data))


def name_of(data: bytes) -> bytes:
    """Return the key id of a certificate: a byte, enough beside the node that it comes from."""
    number = sha256(data).digest()[0] % _KEY_IDS
    return bytes((number if number < 24 else number + 8,))


def _key_of(node: int) -> bytes:
    return _KEY + bytes((node >> 24, node >> 16 & 0xFF, node >> 8 & 0xFF, node & 0xFF))
