"""Whether it pays to pack a payload: what its bytes cost on the air, against the work.

Nobody knows before the work what it will save. So it goes by what came of others on the same
topic, and by how long this board took for each byte; what has not paid is tried again now and
then, while the battery is good. Where no currents are known, as on mains, the air alone counts.

Input    may(kind, topic, size, mode), then on_packed(topic, size, packed, span)
Effects  none
Bounds   LANES topics, told apart by their checksum; SNAPSHOT_BYTES to remember
Source   `energy.py` has how long a frame is on the air; SPEC.md, "Packed payloads"
"""

from binascii import crc32

from ..codec.spans import copy, read_short, write_short
from ..limits import FRAGMENT_BYTES, FRAME_BYTES_MAX, HEADER_BYTES
from .modes import MODE_NORMAL

# Messages, telemetry, requests and responses. The length of what is packed tells of what is in
# it, so nothing that holds a key or a secret of ours is.
KINDS = b"\x04\x05\x06\x07"
LANES = 8
SIZE_MIN = 32  # bytes; what is smaller has nothing in it twice
TRIES_APART = 64  # payloads that were not to pay, until one is tried
BYTE_US = 8  # of ESP-NOW: 1 Mbit/s

_ACTIVE, _RX, _TX = range(3)  # as in `config`
_SEALED_BYTES = 10  # that protection adds to a frame
_WHOLE_BYTES_MAX = FRAME_BYTES_MAX - HEADER_BYTES - _SEALED_BYTES
FRAME_US = 192 + BYTE_US * (43 + HEADER_BYTES + _SEALED_BYTES)  # around each payload

_SPEED_AT, _REFUSED_AT = LANES, LANES + 2
_WHOLE = 255  # the share of what does not get smaller; 0: nothing is known yet
_UNIT_BYTES = 16  # of the work: microseconds for so many bytes are told


def pays(  # noqa: PLR0917 - keywords cost a board more
    size: int,
    packed: int,
    work_us: int,
    currents_ua: "tuple[int, ...]",
    is_poor: bool = False,
    byte_us: int = BYTE_US,
    frame_us: int = FRAME_US,
) -> bool:
    """Tell whether a payload of `size` bytes should travel with `packed` of them.

    The receiver is on while we send, so sending costs what it takes beyond that. Of two charges
    the work is certain and the saving is not: who has little left wants twice the gain.

    Units: `currents_ua` by state, all 0 if not known; `frame_us` for what surrounds a payload.
    """
    saved_us = _air_us(size, byte_us, frame_us) - _air_us(packed, byte_us, frame_us)
    if not max(currents_ua):
        return saved_us > 0
    saved_pc = saved_us * max(0, currents_ua[_TX] - currents_ua[_RX])
    work_pc = work_us * currents_ua[_ACTIVE]
    return saved_pc > (work_pc << 1 if is_poor else work_pc)


def _air_us(size: int, byte_us: int, frame_us: int) -> int:
    frames = 1 if size <= _WHOLE_BYTES_MAX else (size + FRAGMENT_BYTES - 1) // FRAGMENT_BYTES
    return size * byte_us + frames * frame_us


class Packing:
    """What one board has learned of its own payloads. Units: as `pays`."""

    SNAPSHOT_BYTES = LANES + 4

    def __init__(
        self, currents_ua: "tuple[int, ...]", byte_us: int = BYTE_US, frame_us: int = FRAME_US
    ) -> None:
        self._currents_ua, self._byte_us, self._frame_us = currents_ua, byte_us, frame_us
        # By lane, what was left of 255 bytes; how long 16 bytes took, us; who was refused since.
        self._cells = bytearray(self.SNAPSHOT_BYTES)

    def may(self, kind: int, topic: bytes, size: int, mode: int) -> bool:
        """Tell whether to pack a payload of a kind of frame. Units: `mode` is one of `modes`."""
        if size < SIZE_MIN or kind not in KINDS:
            return False
        cells = self._cells
        share = cells[crc32(topic) % LANES]
        is_poor = mode != MODE_NORMAL
        if share:
            work_us = size * read_short(cells, _SPEED_AT) // _UNIT_BYTES
            packed = size * share // _WHOLE
            if pays(
                size, packed, work_us, self._currents_ua, is_poor, self._byte_us, self._frame_us
            ):
                return True
            cells[_REFUSED_AT] += 1
            if cells[_REFUSED_AT] < TRIES_APART:
                return False
            cells[_REFUSED_AT] = 0
        return not is_poor

    def on_packed(self, topic: bytes, size: int, packed: int, span_us: int) -> None:
        """Learn what came of it: 0 bytes if it got no smaller, and how long that took."""
        cells, lane = self._cells, crc32(topic) % LANES
        share = max(1, packed * _WHOLE // size) if packed else _WHOLE
        cells[lane] = _mean(cells[lane], share)
        speed = min(0xFFFF, span_us * _UNIT_BYTES // size)
        write_short(cells, _SPEED_AT, _mean(read_short(cells, _SPEED_AT), speed))

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleep must not forget."""
        return copy(self._cells, 0, buffer, offset, self.SNAPSHOT_BYTES)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take it back."""
        copy(buffer, offset, self._cells, 0, self.SNAPSHOT_BYTES)
        self._cells[_REFUSED_AT] &= TRIES_APART - 1
        return offset + self.SNAPSHOT_BYTES


def _mean(before: int, now: int) -> int:
    """Return the one of several in which the last counts for a quarter."""
    return (3 * before + now + 2) // 4 if before else now
