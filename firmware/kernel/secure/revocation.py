"""Which certificates are void: a list that a fleet's authority signs, newer in place of older.

It names keys, not boards: a board that was certified anew, with other keys, is not on it. What
does not fit any more goes by a new epoch, which makes all certificates of the ones before void.
The same authority says, with the same counter, who comes after it.

Input    on_statement(data), is_void(certificate)
Effects  none; a commit of the table is the caller's
Bounds   REVOKED_MAX keys, STATEMENT_BYTES_MAX: one protected frame, so that it is handed on whole
Source   SPEC.md, "Revocations"; RFC 9052, section 4.4 (COSE_Sign1)
"""

from ..codec.cbor import decode
from .certificate import EPOCH_MAX, PROTECTED, to_be_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Table
    from .certificate import Certificate
    from .port import Crypto

REVOKED_MAX = 16
MARK_BYTES = 8  # of a thumbprint's beginning
STATEMENT_BYTES_MAX = 226
NUMBER_MAX = (1 << 30) - 1
_LIST, _SUCCESSION = 4, 3  # items
_KEPT, _SUCCESSOR = b"revoked", b"successor"


class Revocations:
    """What the authority of one network said last.

    `authority` is the key that is believed when the table knows no later one.
    """

    def __init__(self, table: "Table", crypto: "Crypto", authority: bytes, network: int) -> None:
        self._table = table
        self._crypto = crypto
        self.network = network
        self.authority = authority
        self.document = table.get(_KEPT) or b""
        self.number = self.epoch = 0
        self._marks = b""
        if self.document:
            _, self.number, self.epoch, self._marks = read(self.document)
        succession = table.get(_SUCCESSOR)
        if succession:
            _, number, self.authority = read(succession)
            self.number = max(self.number, number)

    def on_statement(self, data: bytes) -> bool:
        """Take a list or a succession if it is newer and signed; stage it in the table.

        Shape: `document` is the newest list, to hand on.
        """
        try:
            items = read(data)
        except ValueError:
            return False
        # What costs nothing comes first: a signature takes a board most of a second.
        if items[0] != self.network or items[1] <= self.number:
            return False
        message: "Any" = decode(data)
        if not self._crypto.verify(self.authority, to_be_signed(message[2]), message[3]):
            return False
        if len(items) == _SUCCESSION:
            _, self.number, self.authority = items  # an old word would bring an old key back
            self._table.put(_SUCCESSOR, data)
            return True
        if items[2] < self.epoch:
            return False
        _, self.number, self.epoch, self._marks = items
        self.document = data
        self._table.put(_KEPT, data)
        return True

    def is_void(self, held: "Certificate") -> bool:
        """Tell whether a certificate counts no more."""
        if held.epoch < self.epoch:
            return True
        mark = held.thumbprint[:MARK_BYTES]
        marks = self._marks
        return mark in [marks[at : at + MARK_BYTES] for at in range(0, len(marks), MARK_BYTES)]


def read(data: bytes) -> "Any":
    """Return the items of a statement; nobody vouches for them yet.

    Shape: of a list its network, number, epoch and the marks of keys in order; of a succession
    network, number and the next authority's key.
    Raises: ValueError for what is none (peer).
    """
    try:
        message: "Any" = decode(data) if len(data) <= STATEMENT_BYTES_MAX else ()
        protected, others, payload, signature = message
        items: "Any" = decode(payload)
        ok = (protected, others) == (PROTECTED, {}) and isinstance(signature, bytes)
        ok = ok and type(items) is list and _is_statement(items)
    except (TypeError, ValueError):
        ok = False
    if not ok:
        raise ValueError()
    return items


def _is_statement(items: "list[Any]") -> bool:
    if len(items) not in (_LIST, _SUCCESSION):
        return False
    bounds = (0xFFFF, NUMBER_MAX, EPOCH_MAX)
    for at in range(len(items) - 1):
        if type(items[at]) is not int or not 0 <= items[at] <= bounds[at]:
            return False
    last = items[-1]
    if not isinstance(last, bytes):
        return False
    if len(items) == _SUCCESSION:
        return len(last) == 32
    marks = [last[at : at + MARK_BYTES] for at in range(0, len(last), MARK_BYTES)]
    return (
        len(last) % MARK_BYTES == 0 and len(marks) <= REVOKED_MAX and marks == sorted(set(marks))
    )
