"""Which documents a board believes: a root that names the keys, a timestamp that names what is
current, releases that both vouch for.

The root is handed over once, by hand; each next one is signed by the keys of the one before and by
its own. No clock is needed: time is never earlier than what a signed timestamp said it was.

Input    Trust(root), on_root(data), on_timestamp(data, now_s), on_release(data, board, now_s),
         on_confirmed(manifest)
Effects  none; each returns why it refuses, 0 if it does not, and changes nothing then
Bounds   DOCUMENT_BYTES_MAX, ROLE_KEYS_MAX keys a role, CURRENT_MAX releases
Source   The Update Framework 1.0.34, section 5, with what it calls targets and snapshot in one
"""

from hashlib import sha256

from ..codec.cbor import CborError, decode
from .envelope import Envelope
from .manifest import Board, Manifest, check, from_bytes
from .refusals import (
    REFUSED_EXPIRED,
    REFUSED_MALFORMED,
    REFUSED_UNLISTED,
    REFUSED_UNSIGNED,
    REFUSED_VERSION,
    RefusedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DOCUMENT_BYTES_MAX = 1_024
KEY_BYTES = 52  # HSS with hashes of 24 B
KEYS_MAX = 12
ROLE_KEYS_MAX = 4
CURRENT_MAX = 8
NUMBER_MAX = (1 << 30) - 1
TIME_MAX_S = (1 << 32) - 1
ROOT_KIND, TIMESTAMP_KIND = "root", "timestamp"
ROLES = ("root", "release", "timestamp")
ROLE_ROOT, ROLE_RELEASE, ROLE_TIMESTAMP = range(3)


class Root:
    """The keys of each role, how many of them must sign, and until when."""

    def __init__(self, data: "bytes | memoryview") -> None:
        """Read a root document.

        Raises: RefusedError for anything that is none (peer).
        """
        version, expires_s, sequence, counter, keys, roles = _fields(data, ROOT_KIND, 6)
        self.version = _number(version, NUMBER_MAX)
        self.expires_s = _number(expires_s, TIME_MAX_S)
        # From where releases count on, when this root is the first with other release keys.
        self.sequence = _number(sequence, NUMBER_MAX)
        self.security_counter = _number(counter, NUMBER_MAX)
        held = _list(keys, KEYS_MAX)
        for key in held:
            if not isinstance(key, bytes) or len(key) != KEY_BYTES or held.count(key) != 1:
                raise RefusedError(REFUSED_MALFORMED)
        if len(_list(roles, len(ROLES))) != len(ROLES):
            raise RefusedError(REFUSED_MALFORMED)
        self.roles = [_role(role, held) for role in _list(roles, len(ROLES))]

    def is_signed(self, role: int, envelope: Envelope, families: "Any") -> bool:
        """Tell whether enough keys of a role signed a document."""
        threshold, keys = self.roles[role]
        return envelope.is_signed(keys, threshold, families)


class Trust:
    """What one board, or one computer on its behalf, has come to believe."""

    def __init__(self, root: "bytes | memoryview", families: "Any" = (sha256,)) -> None:
        """Start from the document of a root that is trusted by other means.

        Raises: RefusedError if it is none.
        """
        self._families = families
        self.root = Root(root)
        self.sequence = self.root.sequence
        self.security_counter = self.root.security_counter
        self.timestamp_version = 0
        self.expires_s = 0  # of the timestamp
        self.current: "list[bytes]" = []
        self.time_s = 0  # it is this late at least
        self.manifest: "Manifest | None" = None  # of the release that was taken last

    def on_root(self, data: "bytes | memoryview") -> int:
        """Take the next root."""
        try:
            envelope = Envelope(data)
            root = Root(envelope.payload)
        except RefusedError as error:
            return error.reason
        if root.version != self.root.version + 1:
            return REFUSED_VERSION
        for signer in (self.root, root):
            if not signer.is_signed(ROLE_ROOT, envelope, self._families):
                return REFUSED_UNSIGNED
        # Other keys: what a thief of the old ones made them count up to is void.
        if root.roles[ROLE_RELEASE] != self.root.roles[ROLE_RELEASE]:
            self.sequence, self.security_counter = root.sequence, root.security_counter
            self.current = []
            self.manifest = None
        if root.roles[ROLE_TIMESTAMP] != self.root.roles[ROLE_TIMESTAMP]:
            self.timestamp_version = self.time_s = 0
            self.current = []
        self.root = root
        return 0

    def on_timestamp(self, data: "bytes | memoryview", now_s: int = 0) -> int:
        """Take word of what is current; the clock's 0: it is not set."""
        try:
            envelope = Envelope(data)
            version, issued, expires, current = _fields(envelope.payload, TIMESTAMP_KIND, 4)
            version = _number(version, NUMBER_MAX)
            issued, expires = _number(issued, TIME_MAX_S), _number(expires, TIME_MAX_S)
            for digest in _list(current, CURRENT_MAX):
                if not isinstance(digest, bytes) or len(digest) != 32:
                    raise RefusedError(REFUSED_MALFORMED)
        except RefusedError as error:
            return error.reason
        if not self.root.is_signed(ROLE_TIMESTAMP, envelope, self._families):
            return REFUSED_UNSIGNED
        if version < self.timestamp_version or (
            version == self.timestamp_version and (current != self.current)
        ):
            return REFUSED_VERSION
        if self._is_past(min(expires, self.root.expires_s), max(now_s, issued)):
            return REFUSED_EXPIRED
        self.time_s = max(self.time_s, issued)
        self.timestamp_version, self.expires_s, self.current = version, expires, current
        return 0

    def on_release(self, data: "bytes | memoryview", board: Board, now_s: int = 0) -> int:
        """Take a release: its manifest is in `manifest` then, to be fetched and tried."""
        try:
            manifest = self.vouched(data, now_s)
        except RefusedError as error:
            return error.reason
        reason = check(manifest, board, self.sequence, self.security_counter)
        if not reason:
            self.manifest = manifest
        return reason

    def vouched(self, data: "bytes | memoryview", now_s: int = 0) -> Manifest:
        """Return the manifest in an envelope that is current and signed, whatever it is for.

        Raises: RefusedError if nobody vouches for it (peer).
        """
        envelope = Envelope(data)
        if self.has_expired(now_s):
            raise RefusedError(REFUSED_EXPIRED)
        if envelope.digest() not in self.current:
            raise RefusedError(REFUSED_UNLISTED)
        if not self.root.is_signed(ROLE_RELEASE, envelope, self._families):
            raise RefusedError(REFUSED_UNSIGNED)
        return from_bytes(envelope.payload)

    def on_confirmed(self, manifest: Manifest) -> None:
        """Count on from a release that proved healthy: what is older is refused from now on.

        Of a release that a board is trying, only while `manifest` still holds it.
        """
        self.sequence = max(self.sequence, manifest.sequence)
        self.security_counter = max(self.security_counter, manifest.security_counter)

    def is_current(self, digest: bytes, now_s: int) -> bool:
        """Tell whether a release, named by the begin of its digest, is current still."""
        named = [each for each in self.current if each[: len(digest)] == digest]
        return bool(named) and not self.has_expired(now_s)

    def has_expired(self, now_s: int) -> bool:
        """Tell whether what is current must be heard anew."""
        return self._is_past(min(self.expires_s, self.root.expires_s), now_s)

    def _is_past(self, expires_s: int, now_s: int) -> bool:
        return expires_s < max(now_s, self.time_s)


def _role(role: object, keys: "list[Any]") -> "tuple[int, list[bytes]]":
    threshold, indexes = _list(role, 2) if isinstance(role, list) and len(role) == 2 else (0, 0)
    held = []
    for index in _list(indexes, ROLE_KEYS_MAX):
        if _number(index, KEYS_MAX) >= len(keys) or keys[index] in held:
            raise RefusedError(REFUSED_MALFORMED)
        held.append(keys[index])
    if not 1 <= _number(threshold, ROLE_KEYS_MAX) <= len(held):
        raise RefusedError(REFUSED_MALFORMED)
    return threshold, held


def _fields(data: "bytes | memoryview", kind: str, count: int) -> "list[Any]":
    # A kind of its own stands in each: a key of two roles signs no document for another.
    if len(data) > DOCUMENT_BYTES_MAX:
        raise RefusedError(REFUSED_MALFORMED)
    try:
        fields = decode(data)
    except CborError:
        raise RefusedError(REFUSED_MALFORMED)
    if not isinstance(fields, list) or len(fields) != 1 + count or fields[0] != kind:
        raise RefusedError(REFUSED_MALFORMED)
    return fields[1:]


def _list(value: object, count_max: int) -> "list[Any]":
    if not isinstance(value, list) or len(value) > count_max:
        raise RefusedError(REFUSED_MALFORMED)
    return value


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RefusedError(REFUSED_MALFORMED)
    return value
