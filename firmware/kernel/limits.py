"""Every bound of the kernel in one place, with its unit and what it costs; and every rate.

Bytes are those of a 32-bit board. A bound that is reached is counted, never an error by itself.

Input    take(now, kind, amount, row), charge(now, kind, amount), is_open(now, kind)
Effects  none
Bounds   one integer per kind and two per neighbour; nothing is allocated after construction
Source   the token bucket of RFC 2697, in whole units, with the remainder kept
"""

from array import array

from .ticks import ticks_add, ticks_diff

FRAME_BYTES_MAX = 250  # one ESP-NOW payload, the smallest of the links
HEADER_BYTES = 14  # leaves 8 for a COSE tag within the 24 that header and protection may take
PAYLOAD_BYTES_MAX = 236  # FRAME_BYTES_MAX - HEADER_BYTES
HOP_LIMIT_MAX = 15  # four bits of the header
NODE_ID_BITS = 30  # a small int on every board, so that comparing ids allocates nothing

NAME_BYTES_MAX = 32  # of an agent
TOPIC_BYTES_MAX = 32  # of a message; the rest of the payload is the value
PING_BYTES_MAX = 32  # of a ping's payload, echoed as it came

MESSAGE_BYTES_MAX = 1_024  # of a payload that is cut into fragments; one buffer per reassembly
FRAGMENT_BYTES = 216  # of a payload in each fragment but the last: 10 stay free for protection
FRAGMENTS_MAX = 5  # of one message: MESSAGE_BYTES_MAX / FRAGMENT_BYTES, rounded up
REASSEMBLIES_MAX = 2  # messages that arrive in fragments at once, one per sender; 1 KB each
REASSEMBLY_MS_MAX = 2_000  # from a message's first fragment to its last; then it is released

OUTBOX_FRAMES_MAX = 8  # that wait to be sent; with the spare one 2.2 KB of buffers
REQUESTS_MAX = 8  # that wait for an answer, 20 B each
DEADLINE_MS_MAX = 86_400_000  # of a request: a day, the longest wake period
NEIGHBOURS_MAX = 32  # 35 B each, and its name; in a larger crowd the regulars keep their rows
NEIGHBOUR_SILENT_MS_MAX = 35_000  # three announcements missed, and half a period
SEQUENCE_WINDOW = 16  # frames that may arrive late; one 16-bit word per neighbour and cast
SEQUENCE_JUMP_MAX = 1_024  # a longer gap is a restarted sender, not a loss
STALE_FRAMES_MAX = 3  # in a row from behind the window, then the sender did restart

TIMERS_MAX = 16  # `every` calls of one application, 40 B each
HANDLERS_MAX = 32  # `on` calls of one application, 48 B each
PERIOD_MS_MIN = 10  # a shorter timer would starve the radio
PERIOD_MS_MAX = (1 << 28) - 1  # half the tick period: 3.1 days

CBOR_DEPTH_MAX = 8  # nested arrays and maps; one C stack frame of the interpreter each
STATE_BYTES_MAX = 1_024  # `agent.state`, keys and encoded values together
STATE_KEY_BYTES_MAX = 32  # of `agent.state`
STATE_DELAY_MS = 1_000  # from a change of a key that is not critical to its commit, at most
ANNOUNCE_MS = 10_000  # from one announcement to the next, give or take the jitter
ANNOUNCE_JITTER_MS = 2_000  # keeps boards that were powered together apart
EXPIRE_MS = 5_000  # from one look for silent neighbours to the next
ANNOUNCE_SOON_MS = 800  # from a new neighbour to our announcement, which tells it our name
TELEMETRY_MS = 30_000  # one frame of 14 B and a map of seven integers

# Settings of the schedule
WAKE_PERIOD_MS_MIN = 1_000  # from one window to the next
WAKE_PERIOD_MS_MAX = 86_400_000  # a day; ticks allow three
LISTEN_MS_MAX = 10_000  # of one window

# Rates. What each kind is counted in, and per agent the most at once and per hour. A burst is at
# most an hour's worth; 0 per hour is no limit.
QUOTA_IN = 0  # frames heard: 50 per second is what MicroPython handles in a quarter of its time
QUOTA_OUT = 1  # frames sent
QUOTA_AIR_MS = 2  # of sending: with the shares below 10 % of the time
QUOTA_FLASH_BYTES = 3  # programmed: in ten years 86,000 erases per sector of 32, of 100,000
QUOTA_CPU_MS = 4  # of the application's handlers: half of the time
QUOTA_ALARMS = 5  # reports that a peer can provoke
QUOTA_NAMES = ("in", "out", "air_ms", "flash_bytes", "cpu_ms", "alarms")
_BURST = (3_000, 2_000, 5_000, 65_536, 300_000, 16)
_PER_HOUR = (180_000, 144_000, 180_000, 131_072, 1_800_000, 60)
# Each neighbour's own part of two kinds: it is there whatever the others do. Burst and per hour.
SHARE_IN = (240, 7_200)
SHARE_AIR_MS = (150, 5_400)
_LEVEL_MAX = (1 << 29) - 1  # above and below zero, so that sums stay small ints
_HOUR_S = 3_600
_COUNT_MASK = (1 << 30) - 1


class Bucket:
    """A row of token buckets with one capacity and one rate, refilled together.

    Over any span of t hours each grants at most `capacity + per_hour * t`. Refills come in whole
    seconds, so what comes in one second is held back from the capacity.
    """

    def __init__(self, capacity: int, per_hour: int, rows: int = 1) -> None:
        self.levels = array("i", [0] * rows)
        self.limit(capacity, per_hour)

    def limit(self, capacity: int, per_hour: int) -> None:
        """Change both bounds and fill the buckets; 0 per hour: no limit."""
        per_hour = min(per_hour, _LEVEL_MAX)
        self.is_limited = per_hour > 0
        self._per_second = per_hour // _HOUR_S
        self._part = per_hour % _HOUR_S  # in 3,600ths of a unit per second
        self.rest = 0
        held_back = self._per_second + (2 if self._part else 0)
        self.capacity = max(0, min(capacity, per_hour) - held_back)
        for row in range(len(self.levels)):
            self.levels[row] = self.capacity

    def refill(self, seconds: int) -> None:
        """Add what so many seconds bring; an hour fills every bucket."""
        seconds = min(seconds, _HOUR_S)
        part = self.rest + seconds * self._part
        self.rest = part % _HOUR_S
        gain = seconds * self._per_second + part // _HOUR_S
        for row in range(len(self.levels)):
            self.levels[row] = min(self.capacity, self.levels[row] + gain)

    def take(self, amount: int, row: int = 0) -> bool:
        """Take an amount, all of it or nothing; False if there is not enough."""
        if self.is_limited:
            if amount > self.levels[row]:
                return False
            self.levels[row] -= amount
        return True

    def spend(self, amount: int, row: int = 0) -> None:
        """Take what is used already, into debt if need be: it is repaid before more is granted.

        Units: `amount` is below 2**29.
        """
        if self.is_limited:
            self.levels[row] = max(-_LEVEL_MAX, self.levels[row] - amount)


class Quotas:
    """All rates of one agent: what floods it, and what it may do to others and to itself."""

    SNAPSHOT_BYTES = 4 + 10 * len(QUOTA_NAMES)

    def __init__(self) -> None:
        self.refused = array("I", [0] * len(QUOTA_NAMES))
        self._pools = [Bucket(_BURST[kind], _PER_HOUR[kind]) for kind in range(len(QUOTA_NAMES))]
        self._shares_in = Bucket(SHARE_IN[0], SHARE_IN[1], NEIGHBOURS_MAX)
        self._shares_air = Bucket(SHARE_AIR_MS[0], SHARE_AIR_MS[1], NEIGHBOURS_MAX)
        self._at_ms = 0

    def limit(self, kind: int, burst: int, per_hour: int) -> None:
        """Change the bounds of one kind; 0 per hour: no limit."""
        self._pools[kind].limit(burst, per_hour)

    def take(self, now_ms: int, kind: int, amount: int, row: int = -1) -> bool:
        """Take an amount, all of it or nothing; False, and it is counted, if there is not enough.

        A neighbour's row uses its own share first; what that does not hold comes from the pool
        that all others, strangers too, draw on: a flood empties the pool, never another's share.
        """
        self._refill(now_ms)
        if row >= 0 and kind == QUOTA_IN and self._shares_in.take(amount, row):
            return True
        if row >= 0 and kind == QUOTA_AIR_MS and self._shares_air.take(amount, row):
            return True
        if self._pools[kind].take(amount):
            return True
        self.refused[kind] = (self.refused[kind] + 1) & _COUNT_MASK
        return False

    def charge(self, now_ms: int, kind: int, amount: int) -> None:
        """Take what is used already, into debt if need be."""
        self._refill(now_ms)
        self._pools[kind].spend(amount)

    def is_open(self, now_ms: int, kind: int) -> bool:
        """Tell whether anything is left: ask before work whose cost shows afterwards."""
        self._refill(now_ms)
        pool = self._pools[kind]
        return not pool.is_limited or pool.levels[0] > 0

    def refusals(self) -> "dict[str, int]":
        """Return how often each kind was refused, those that never were left out."""
        result = {}
        for kind in range(len(QUOTA_NAMES)):
            if self.refused[kind]:
                result[QUOTA_NAMES[kind]] = self.refused[kind]
        return result

    def _refill(self, now_ms: int) -> None:
        span_ms = ticks_diff(now_ms, self._at_ms)
        if 0 <= span_ms < 1_000:
            return
        if span_ms < 0:  # a clock set back, or three days of sleep: nothing is granted for it
            self._at_ms = now_ms
            return
        seconds = span_ms // 1_000
        self._at_ms = ticks_add(self._at_ms, seconds * 1_000)
        for pool in self._pools:
            pool.refill(seconds)
        self._shares_in.refill(seconds)
        self._shares_air.refill(seconds)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a deep sleep must not give back; shares begin empty after it."""
        offset = _write_word(buffer, offset, self._at_ms)
        for kind in range(len(QUOTA_NAMES)):
            pool = self._pools[kind]
            offset = _write_word(buffer, offset, pool.levels[0] + _LEVEL_MAX)
            offset = _write_word(buffer, offset, self.refused[kind])
            buffer[offset] = pool.rest >> 8
            buffer[offset + 1] = pool.rest & 0xFF
            offset += 2
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote; a level above today's bounds is cut to them."""
        self._at_ms = _read_word(buffer, offset)
        offset += 4
        for kind in range(len(QUOTA_NAMES)):
            pool = self._pools[kind]
            level = _read_word(buffer, offset) - _LEVEL_MAX
            pool.levels[0] = max(-_LEVEL_MAX, min(pool.capacity, level))
            self.refused[kind] = _read_word(buffer, offset + 4)
            pool.rest = (buffer[offset + 8] << 8 | buffer[offset + 9]) % _HOUR_S
            offset += 10
        for row in range(NEIGHBOURS_MAX):
            self._shares_in.levels[row] = self._shares_air.levels[row] = 0
        return offset


def _write_word(buffer: bytearray, offset: int, word: int) -> int:
    buffer[offset] = word >> 24
    buffer[offset + 1] = (word >> 16) & 0xFF
    buffer[offset + 2] = (word >> 8) & 0xFF
    buffer[offset + 3] = word & 0xFF
    return offset + 4


def _read_word(buffer: "bytes | bytearray", offset: int) -> int:
    # Below 2**30, whatever stands there: a small int on every board.
    return (
        (buffer[offset] & 0x3F) << 24
        | buffer[offset + 1] << 16
        | buffer[offset + 2] << 8
        | buffer[offset + 3]
    )
