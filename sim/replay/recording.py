"""What a board kept of a crash: its file as `firmware/device/crash_file.py` writes it. Pure."""

import struct
from binascii import crc32
from dataclasses import dataclass

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.limits import TRACEBACK_BYTES_MAX

# Those of firmware/device/recorder.py: what a kind of input has, and the kinds.
TIMED, NUMBERED, LONG = 0x10, 0x20, 0x40
ON_TIME, ON_FRAME, ON_SPENT = 1 | TIMED, 2 | TIMED | NUMBERED | LONG, 3 | NUMBERED
ON_UNDELIVERED, ON_BATTERY, KEEP_TRACEBACK = 4, 5 | NUMBERED, 6 | TIMED | NUMBERED
START, SET_UP, STOP, HIBERNATE = 7 | TIMED, 8 | TIMED, 9 | TIMED, 10 | TIMED
SENSED, FAILED, UNMADE = 11 | LONG, 12 | LONG, 13 | LONG
NAMES = {
    ON_TIME: "on time",
    ON_FRAME: "on frame",
    ON_SPENT: "on spent",
    ON_UNDELIVERED: "on undelivered",
    ON_BATTERY: "on battery",
    KEEP_TRACEBACK: "keep traceback",
    START: "start",
    SET_UP: "set up",
    STOP: "stop",
    HIBERNATE: "hibernate",
    SENSED: "a sensor's value",
    FAILED: "a sensor's failure",
    UNMADE: "no such part",
}

_MAGIC = b"cma\x01"
_FILE_HEAD = ">4sBH"
_RECORD_MAGIC, _FORMAT = 0xC3B6, 1
_HEAD = ">HBBHHHHIIII"
_SNAPSHOT_AT, _SIGNS_AT, _RECORD_AT, _MEMORY_BYTES = 18, 1494, 1508, 1536
_HAS_SNAPSHOT, _HAS_HOLES = 1, 2
_TICKS_MASK = (1 << 29) - 1
_NUMBER_BITS = 35  # of five bytes


class DamagedError(ValueError):
    """The file is not what a board wrote."""


@dataclass(frozen=True)
class Input:
    """One thing that the agent was told."""

    kind: int
    at_ms: int
    number: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Recording:
    """A boot that ended in a crash, or the last of its inputs.

    `cause_after` is why the hardware started next, 0 if the agent went on. `position` is where the
    journal stood, `lost_bytes` counts what was pushed out. `inputs` is None if the board crashed
    before there was an agent to tell anything.
    """

    cause_after: int
    traceback: str
    cause: int = 0
    snapshot: bytes | None = None
    has_holes: bool = False
    lost_bytes: int = 0
    seed: int = 0
    position: int = 0
    application_id: int = 0
    inputs: tuple[Input, ...] | None = None


def read(data: bytes) -> Recording:
    """Read a file.

    Raises: DamagedError that says what is wrong with it.
    """
    if len(data) < 11 or data[:4] != _MAGIC:
        raise DamagedError("this is no crash that a board kept")
    if crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        raise DamagedError("its checksum is wrong")
    _, cause_after, length = struct.unpack_from(_FILE_HEAD, data)
    text, memory = data[7 : 7 + length], data[7 + length : -4]
    traceback = text.decode(errors="replace")
    if len(memory) != _MEMORY_BYTES:
        raise DamagedError("its length is wrong")
    (
        magic, number, flags, size, start, end, lost, seed, position, application_id, base_ms
    ) = struct.unpack_from(_HEAD, memory, _RECORD_AT)  # fmt: skip
    if magic != _RECORD_MAGIC:
        return Recording(cause_after, traceback)
    if number != _FORMAT:
        raise DamagedError(f"its format is {number}, which this version does not know")
    if not _SNAPSHOT_AT <= start <= end <= _SIGNS_AT or _SNAPSHOT_AT + size > _SIGNS_AT:
        raise DamagedError("its lengths are wrong")
    has_snapshot = flags & _HAS_SNAPSHOT
    return Recording(
        cause_after,
        traceback,
        cause=flags >> 4,
        snapshot=memory[_SNAPSHOT_AT : _SNAPSHOT_AT + size] if has_snapshot else None,
        has_holes=bool(flags & _HAS_HOLES),
        lost_bytes=lost,
        seed=seed,
        position=position,
        application_id=application_id,
        inputs=tuple(_inputs(memory[start:end], base_ms)),
    )


def _inputs(data: bytes, now_ms: int) -> "list[Input]":
    found, at = [], 0
    try:
        while at < len(data):
            kind, number, content = data[at], 0, b""
            at += 1
            if kind not in NAMES:
                raise DamagedError("it has an input of no known kind")
            if kind & TIMED:
                span_ms, at = _number(data, at)
                now_ms = (now_ms + span_ms) & _TICKS_MASK
            if kind & NUMBERED:
                number, at = _number(data, at)
            if kind & LONG:
                length, at = _number(data, at)
                content = data[at : at + length]
                at += length
            if at <= len(data):
                _check(kind, number, content)
            found.append(Input(kind, now_ms, number, content))
    except IndexError:
        at = len(data) + 1
    if at > len(data):
        raise DamagedError("its last input is cut off")
    return found


def _check(kind: int, number: int, content: bytes) -> None:
    if kind == KEEP_TRACEBACK and number > TRACEBACK_BYTES_MAX:
        raise DamagedError("it has a traceback longer than a board keeps")
    if kind not in {SENSED, FAILED, UNMADE}:
        return
    try:
        value = cbor.decode(content)
    except cbor.CborError as error:
        raise DamagedError("it has a sensor's value that is no CBOR") from error
    if kind == SENSED:
        return
    if not (isinstance(value, list) and [type(part) for part in value] == [str, list]):
        raise DamagedError("it has a sensor's failure that names no exception")


def _number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if shift > _NUMBER_BITS:
            raise DamagedError("it has a number larger than a board writes")
        if byte < 0x80:
            return number, at
