"""Every bound of the kernel in one place, with its unit and what it costs; and every rate.

Bytes are those of a 32-bit board. A bound that is reached is counted, never an error by itself.

Input    take(now, kind, amount, row), charge(now, kind, amount), is_open(now, kind)
Effects  none
Bounds   a few integers per kind, 3 bytes per neighbour; nothing is allocated after construction
Source   the token bucket of RFC 2697, in whole units, with the remainder kept
"""

from array import array

from .fields import read_signed, read_word, write_word
from .ticks import ticks_add, ticks_diff

FRAME_BYTES_MAX = 250  # one ESP-NOW payload, the smallest of the links
HEADER_BYTES = 14  # leaves 8 for a COSE tag within the 24 that header and protection may take
PAYLOAD_BYTES_MAX = 236  # FRAME_BYTES_MAX - HEADER_BYTES
HOP_LIMIT_MAX = 15  # four bits of the header
NODE_ID_BITS = 30  # a small int on every board, so that comparing ids allocates nothing

NAME_BYTES_MAX = 32  # of an agent
TOPIC_BYTES_MAX = 32  # of a message; the rest of the payload is the value
PING_BYTES_MAX = 32  # of a ping's payload, echoed as it came

MESSAGE_BYTES_MAX = 1_024  # of a payload that is cut; a buffer for each once there is a first
FRAGMENT_BYTES = 216  # of a payload in each fragment but the last: 10 stay free for protection
FRAGMENTS_MAX = 5  # of one message: MESSAGE_BYTES_MAX / FRAGMENT_BYTES, rounded up
REASSEMBLIES_MAX = 2  # messages that arrive in fragments at once, one per sender
REASSEMBLY_MS_MAX = 2_000  # from a message's first fragment to its last; then it is released

OUTBOX_FRAMES_MAX = 8  # that wait to be sent, 250 B each from when so many do first
REQUESTS_MAX = 8  # that wait for an answer, 21 B each once there is a first
DEADLINE_MS_MAX = 86_400_000  # of a request: a day, the longest wake period
NEIGHBOURS_MAX = 32  # 27 B each as rows are made, 3 B of rates from the start, and its name
NEIGHBOUR_SILENT_MS_MAX = 35_000  # three announcements missed, and half a period
SEQUENCE_WINDOW = 16  # frames that may arrive late; one 16-bit word per neighbour and cast
SEQUENCE_JUMP_MAX = 1_024  # a longer gap is a restarted sender, not a loss
STALE_FRAMES_MAX = 3  # in a row from behind the window, then the sender did restart

TIMERS_MAX = 16  # `every` calls of one application, 32 B each
HANDLERS_MAX = 32  # `on` calls of one application, 48 B each
PERIOD_MS_MIN = 10  # a shorter timer would starve the radio
PERIOD_MS_MAX = (1 << 28) - 1  # half the tick period: 3.1 days

CBOR_DEPTH_MAX = 8  # nested arrays, maps, tags and chunked strings; 128 B of heap each
CBOR_BIGNUM_BYTES_MAX = 64  # an integer of 512 bits, the longest key or signature half
STATE_BYTES_MAX = 1_024  # `agent.state`, keys and encoded values together
STATE_KEYS_MAX = 24  # of `agent.state`: so many always fit the journal, whatever their sizes
STATE_KEY_BYTES_MAX = 32
STATE_RETRY_MS = 60_000  # from a failed commit, or a failed start of the state, to the next try
STATE_DELAY_MS = 1_000  # from a change of a key that is not critical to its commit, at most
ANNOUNCE_MS = 10_000  # from one announcement to the next, give or take the jitter
ANNOUNCE_JITTER_MS = 2_000  # keeps boards that were powered together apart
EXPIRE_MS = 5_000  # from one look for silent neighbours to the next
ANNOUNCE_SOON_MS = 800  # from a new neighbour to our announcement, which tells it our name
TELEMETRY_MS = 30_000  # one frame of 14 B and a map of fifteen integers

# Settings of the schedule
WAKE_PERIOD_MS_MIN = 1_000  # from one window to the next
WAKE_PERIOD_MS_MAX = 86_400_000  # a day; ticks allow three
LISTEN_MS_MAX = 10_000  # of one window

# Recovery
UNCLEAN_BOOTS_MAX = 3  # without a healthy span in between; then the application is left out
HEALTHY_MS = 600_000  # from a boot to the end of suspicion: an agent wakes in it some ten times
HEALTHY_AWAKE_MS = 10_000  # of being awake, for an agent that slept through that span
TRACEBACK_BYTES_MAX = 512  # of the last crash: in RTC memory, then in flash
TRACEBACK_KEEP_MS = 3_600_000  # from one that is written to flash to the next

# Rates. What each kind is counted in, and per agent the most at once and per hour. A burst is at
# most an hour's worth; 0 per hour is no limit.
QUOTA_IN = 0  # frames heard: 50 per second is what MicroPython handles in a quarter of its time
QUOTA_AIR_MS = 1  # of sending: with the shares below 10 % of the time
QUOTA_OUT = 2  # frames sent
QUOTA_FLASH_BYTES = 3  # programmed: in ten years 86,000 erases per sector of 32, of 100,000
QUOTA_ENERGY_NAH = 4  # whoever knows the budget sets it
QUOTA_CPU_MS = 5  # of the application's handlers: half of the time
QUOTA_ALARMS = 6  # reports that a peer can provoke
QUOTA_KINDS = 7
QUOTA_NAMES = """in
air_ms
out
flash_bytes
energy_nah
cpu_ms
alarms"""
# Each neighbour's own part of the first three kinds is there whatever the others do: their bounds
# follow those of the kinds, and what is left of a part is kept in one byte.
_BURST = (3_000, 5_000, 2_000, 65_536, 0, 300_000, 64, 240, 150, 240)
_PER_HOUR = (180_000, 180_000, 144_000, 131_072, 0, 1_800_000, 360, 7_200, 5_400, 7_200)
_SHARED_KINDS = 3
_BOUNDS = QUOTA_KINDS + _SHARED_KINDS
_LEVEL_MAX = (1 << 29) - 1  # above and below zero, so that sums stay small ints
_HOUR_S = 3_600
_COUNT_MASK = (1 << 30) - 1
_NO_LIMIT = -1


class Quotas:
    """All rates of one agent: token buckets for what floods it and for what it does to others.

    Over any span of t hours each bucket grants at most its burst and t times what it gets per
    hour. Refills come in whole seconds, so what comes in one second is held back from the burst.
    """

    SNAPSHOT_BYTES = 4 + 12 * QUOTA_KINDS

    def __init__(self) -> None:
        self.refused = array("i", bytes(4 * QUOTA_KINDS))
        # The last three are of a share that nothing is taken from; the others hold less than that
        # by what `_taken` says, so that all of them fill as one.
        self._levels = array("i", bytes(4 * _BOUNDS))
        self._taken = bytearray(_SHARED_KINDS * NEIGHBOURS_MAX)
        self._capacity = array("i", bytes(4 * _BOUNDS))
        self._per_hour = array("i", bytes(4 * _BOUNDS))
        self._rest = array("h", bytes(2 * _BOUNDS))  # in 3,600ths of a unit
        self._at_ms = 0
        for bound in range(_BOUNDS):
            self.limit(bound, _BURST[bound], _PER_HOUR[bound])

    def limit(self, kind: int, burst: int, per_hour: int) -> None:
        """Change the bounds of one kind and fill its bucket; 0 per hour: no limit."""
        per_hour = min(per_hour, _LEVEL_MAX)
        self._per_hour[kind] = per_hour
        self._rest[kind] = 0
        held_back = per_hour // _HOUR_S + (2 if per_hour % _HOUR_S else 0)
        capacity = max(0, min(burst, per_hour) - held_back)
        self._capacity[kind] = capacity if per_hour else _NO_LIMIT
        self._fill(kind, capacity)

    def _fill(self, bound: int, gain: int) -> None:
        level = self._levels[bound] + gain
        over = level - self._capacity[bound]
        if over > 0:
            level -= over
            if bound >= QUOTA_KINDS:
                self._give_back(bound, over)
        self._levels[bound] = level

    def _give_back(self, bound: int, gain: int) -> None:
        taken, first = self._taken, (bound - QUOTA_KINDS) * NEIGHBOURS_MAX
        for cell in range(first, first + NEIGHBOURS_MAX):
            if taken[cell]:
                taken[cell] = max(0, taken[cell] - gain)

    def _refill(self, now_ms: int) -> None:
        span_ms = ticks_diff(now_ms, self._at_ms)
        if span_ms < 0:  # a clock set back, or three days of sleep: nothing is granted for it
            self._at_ms = now_ms
            return
        seconds = span_ms // 1_000
        if not seconds:
            return
        self._at_ms = ticks_add(self._at_ms, seconds * 1_000)
        seconds = min(seconds, _HOUR_S)  # which fills every bucket
        for bound in range(_BOUNDS):
            per_hour = self._per_hour[bound]
            part = self._rest[bound] + seconds * (per_hour % _HOUR_S)
            self._rest[bound] = part % _HOUR_S
            self._fill(bound, seconds * (per_hour // _HOUR_S) + part // _HOUR_S)

    def take(self, now_ms: int, kind: int, amount: int, row: int = -1) -> bool:
        """Take an amount, all of it or nothing; False, and it is counted, if there is not enough.

        A neighbour's row uses its own share first; what that does not hold comes from the pool
        that all others, strangers too, draw on: a flood empties the pool, never another's share.
        """
        if not 0 <= now_ms - self._at_ms < 1_000:  # not at each frame
            self._refill(now_ms)
        if row >= 0 and kind < _SHARED_KINDS:
            cell = kind * NEIGHBOURS_MAX + row
            taken = self._taken[cell] + amount
            if taken <= self._levels[QUOTA_KINDS + kind]:
                self._taken[cell] = taken
                return True
        levels = self._levels
        if self._capacity[kind] == _NO_LIMIT:
            return True
        if amount <= levels[kind]:
            levels[kind] -= amount
            return True
        self.refused[kind] = (self.refused[kind] + 1) & _COUNT_MASK
        return False

    def charge(self, now_ms: int, kind: int, amount: int) -> None:
        """Take what is used already, into debt if need be: it is repaid before more is granted.

        Units: `amount` is below 2**29.
        """
        self._refill(now_ms)
        self._levels[kind] = max(-_LEVEL_MAX, self._levels[kind] - amount)

    def level(self, now_ms: int, kind: int) -> int:
        """Return how much of a kind is left for all, below zero in debt."""
        if not 0 <= now_ms - self._at_ms < 1_000:
            self._refill(now_ms)
        return _LEVEL_MAX if self._capacity[kind] == _NO_LIMIT else self._levels[kind]

    def is_open(self, now_ms: int, kind: int) -> bool:
        """Tell whether anything is left: ask before work whose cost shows afterwards."""
        return self.level(now_ms, kind) > 0

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a deep sleep must not give back; shares begin empty after it."""
        offset = write_word(buffer, offset, self._at_ms)
        for kind in range(QUOTA_KINDS):
            offset = write_word(buffer, offset, self._levels[kind])
            offset = write_word(buffer, offset, self._rest[kind])
            offset = write_word(buffer, offset, self.refused[kind])
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote; a level above today's bounds is cut to them."""
        self._at_ms = read_word(buffer, offset)
        offset += 4
        for kind in range(QUOTA_KINDS):
            self._levels[kind] = min(self._capacity[kind], read_signed(buffer, offset))
            self._rest[kind] = read_word(buffer, offset + 4) % _HOUR_S
            self.refused[kind] = read_word(buffer, offset + 8)
            offset += 12
        for kind in range(QUOTA_KINDS, _BOUNDS):
            self._levels[kind] = 0
        for cell in range(len(self._taken)):
            self._taken[cell] = 0
        return offset
