"""What a release says of itself: for whom, which number, which bytes.

A subset of the SUIT manifest in exactly one form: one component, one image, its digest checked
before it is started. `from_bytes` accepts what `to_bytes` makes, no other byte.

Input    to_bytes(manifest), from_bytes(data), check(manifest, board, …)
Effects  none
Bounds   MANIFEST_BYTES_MAX
Source   draft-ietf-suit-manifest-34, sections 8.4 and 8.7; the negative parameters are our own
"""

from ..codec.cbor import CborError, decode, encode
from .refusals import (
    REFUSED_BATTERY,
    REFUSED_CLASS,
    REFUSED_COUNTER,
    REFUSED_DEPENDENCY,
    REFUSED_MALFORMED,
    REFUSED_MICROPYTHON,
    REFUSED_RUNTIME,
    REFUSED_SIZE,
    REFUSED_VERSION,
    RefusedError,
)

MANIFEST_BYTES_MAX = 128
CLASS_BYTES = 16
DIGEST_BYTES = 32
NUMBER_MAX = (1 << 30) - 1

_SHA_256 = -16
_VERSION, _SEQUENCE, _COMMON, _VALIDATE, _INSTALL = 1, 2, 3, 7, 20
_COMPONENTS, _SHARED = 2, 4
_IMAGE_MATCH, _FETCH, _OVERRIDE = 3, 21, 20
_CLASS, _DIGEST, _SIZE = 2, 3, 14  # parameters; of _CLASS the condition, too
_COUNTER, _MPY, _BATTERY, _AFTER, _RUNTIME = -1, -2, -3, -4, -5
_REPORT_ALL = 15


class Manifest:
    """The facts of a release.

    Units: `battery_mv` 0: any; `after`: the least sequence that must run before; `mpy`: the format
    of `.mpy` files, 256 times the version and the sub-version; `runtime`: the least release of
    MicroPython that must run, on a board that gets it over the air; 0: any.
    """

    def __init__(self, sequence: int, class_id: bytes, digest: bytes, size_bytes: int) -> None:
        self.sequence = sequence
        self.class_id = class_id
        self.digest = digest
        self.size_bytes = size_bytes
        self.security_counter = self.mpy = self.battery_mv = self.after = self.runtime = 0


def to_bytes(manifest: Manifest) -> bytes:
    """Return the one encoding of a manifest.

    Raises: CborError for what cannot be encoded.
    """
    parameters = {
        _CLASS: manifest.class_id,
        _DIGEST: encode([_SHA_256, manifest.digest]),
        _SIZE: manifest.size_bytes,
        _COUNTER: manifest.security_counter,
        _MPY: manifest.mpy,
        _BATTERY: manifest.battery_mv,
        _AFTER: manifest.after,
    }
    if manifest.runtime:  # else it is not there: a manifest has one form
        parameters[_RUNTIME] = manifest.runtime
    shared = encode([_OVERRIDE, parameters, _CLASS, _REPORT_ALL])
    return encode(
        {
            _VERSION: 1,
            _SEQUENCE: manifest.sequence,
            _COMMON: encode({_COMPONENTS: [[b"\0"]], _SHARED: shared}),
            _VALIDATE: encode([_IMAGE_MATCH, _REPORT_ALL]),
            _INSTALL: encode([_FETCH, _REPORT_ALL, _IMAGE_MATCH, _REPORT_ALL]),
        }
    )


def from_bytes(data: "bytes | memoryview") -> Manifest:
    """Return what a manifest says.

    Raises: RefusedError for anything but what `to_bytes` makes of a manifest within bounds (peer).
    """
    try:
        outer = _map(decode(data))
        shared = decode(_bytes(_map(decode(_bytes(outer[_COMMON])))[_SHARED]))
        if not isinstance(shared, list):
            raise RefusedError(REFUSED_MALFORMED)
        held = _map(shared[1])
        digest = decode(_bytes(held[_DIGEST]))
        if not isinstance(digest, list):
            raise RefusedError(REFUSED_MALFORMED)
        manifest = Manifest(
            _number(outer[_SEQUENCE]),
            _bytes(held[_CLASS]),
            _bytes(digest[1]),
            _number(held[_SIZE]),
        )
        manifest.security_counter = _number(held[_COUNTER])
        manifest.mpy = _number(held[_MPY])
        manifest.battery_mv = _number(held[_BATTERY])
        manifest.after = _number(held[_AFTER])
        manifest.runtime = _number(held.get(_RUNTIME, 0))
        is_whole = len(manifest.class_id) == CLASS_BYTES and len(manifest.digest) == DIGEST_BYTES
        if is_whole and to_bytes(manifest) == bytes(data):
            return manifest
    except (CborError, KeyError, IndexError):
        pass
    raise RefusedError(REFUSED_MALFORMED)


def _map(value: object) -> "dict[object, object]":
    if not isinstance(value, dict):
        raise RefusedError(REFUSED_MALFORMED)
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise RefusedError(REFUSED_MALFORMED)
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= NUMBER_MAX:
        raise RefusedError(REFUSED_MALFORMED)
    return value


class Board:
    """What a board is; a manifest must suit it.

    Units: `battery_mv` 0: it has no reading, which holds nothing up; `mpy` as in a manifest;
    `runtime`: the release of MicroPython that runs. Who gets none over the air waits for none.
    """

    def __init__(self, class_ids: "tuple[bytes, ...]", slot_bytes: int, mpy: int) -> None:
        self.class_ids = class_ids
        self.slot_bytes = slot_bytes
        self.mpy = mpy
        self.battery_mv = 0
        self.runtime = NUMBER_MAX


def check(manifest: Manifest, board: Board, sequence: int, security_counter: int) -> int:
    """Return why a board that runs a sequence does not take a release, 0 if it does."""
    wrong = (
        (REFUSED_CLASS, manifest.class_id not in board.class_ids),
        (REFUSED_VERSION, manifest.sequence <= sequence),
        (REFUSED_COUNTER, manifest.security_counter < security_counter),
        (REFUSED_SIZE, not 0 < manifest.size_bytes <= board.slot_bytes),
        # Another version of the format is not loaded, nor a later sub-version.
        (REFUSED_RUNTIME, manifest.mpy >> 8 != board.mpy >> 8 or manifest.mpy > board.mpy),
        (REFUSED_DEPENDENCY, manifest.after > sequence),
        (REFUSED_MICROPYTHON, manifest.runtime > board.runtime),
        (REFUSED_BATTERY, 0 < board.battery_mv < manifest.battery_mv),
    )
    for reason, is_wrong in wrong:
        if is_wrong:
            return reason
    return 0
