"""What updating may take: time with the radio on, and charge, by session and by day.

Charge is current times time, by the board's own currents; where they are not known only time is
bounded. A session's share is noted as used before the radio goes on, and what it did not use is
given back at its end: a board whose power fails in each of them has a bound, too. A day's charge
comes back evenly over its hours; a clock that was set back, or began anew, gives nothing back.

Input    begin(now_s), start(now_ms), sent(length), used_uah(now_ms, target), end(now_ms, target)
Effects  one key of the journal of releases
Bounds   SESSION_MS; what a person decided, of a session and of a day
Source   as `power.energy`: 1 Mbit/s, 192 us of preamble, 43 bytes around a payload
"""

from ..fields import read_word, write_word
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..shapes import Table

# Of heap, from one collection to the next: else the small things that a session keeps come to lie
# all over it, and no place is left that has room for a block.
COLLECT_BYTES = 16_384
SESSION_MS = 60_000
SESSION_UAH = 1_000  # ten times a delta, twice a whole image
DAY_UAH = 4_000
BOOT_MS = 420  # into the updater, and as much out of it

_LEAST_MS = 2_000  # for less the radio does not go on
_LAST_UAH = 1  # for what is said at the end
_DAY_S = 86_400
_UA_MS_PER_UAH = 3_600_000
_PREAMBLE_US, _AROUND_BYTES = 192, 43
_UAH_MAX = (1 << 30) - 1
_KEY = b"charge"  # used of a day, and when that was so; the release last fetched, and used for it
_STORED_BYTES = 16


class Budget:
    """What one session is granted; `span_ms` is for how long from its start.

    Units: `currents_ua` of a processor at work, listening and sending; 0: not known, or no bound.
    """

    def __init__(
        self,
        table: "Table",
        currents_ua: "Sequence[int]" = (0, 0, 0),
        session_uah: int = SESSION_UAH,
        day_uah: int = DAY_UAH,
    ) -> None:
        self.span_ms = SESSION_MS
        self._table = table
        self._active_ua, self._rx_ua, self._tx_ua = currents_ua[:3]
        self._session_uah = session_uah if session_uah > 0 else _UAH_MAX
        self._day_uah = day_uah if day_uah > 0 else _UAH_MAX
        self._granted_uah = _UAH_MAX
        self._level_uah = self._level_at_s = self._target = self._total_uah = 0
        self._sent_us = 0
        self._started_at_ms = -1

    def begin(self, now_s: int, is_bounded: bool = True) -> bool:
        """Take a session's charge from the day; False if so little is left that none is to begin.

        A board that has nothing to run is not bounded by the day: it is of no use otherwise.
        """
        if not self._rx_ua:
            return True
        is_behind = self._load(now_s)
        is_bounded = is_bounded and self._day_uah < _UAH_MAX
        left_uah = self._day_uah - self._level_uah if is_bounded else _UAH_MAX
        self._granted_uah = min(self._session_uah, max(0, left_uah))
        self._limit()
        if self.span_ms < _LEAST_MS:
            if is_behind:  # from here on it counts again
                self._save(self._level_uah, self._target, self._total_uah)
            return False
        self._save(self._level_uah + self._granted_uah, self._target, self._total_uah)
        return True

    def start(self, now_ms: int) -> None:
        """Count from now on, unless that was said already: the radio is on."""
        if self._started_at_ms < 0:
            self._started_at_ms = now_ms

    def ends_at_ms(self) -> int:
        """Return when all of it is used."""
        return ticks_add(self._started_at_ms, self.span_ms)

    def sent(self, length: int) -> None:
        """Count a frame: each makes the session shorter."""
        self._sent_us += _PREAMBLE_US + 8 * (_AROUND_BYTES + length)
        self._limit()

    def used_uah(self, now_ms: int, target: int) -> int:
        """Return what all sessions for a release took until now, 0 if no current is known."""
        before = self._total_uah if target == self._target else 0
        return min(before + self._now_uah(now_ms), _UAH_MAX)

    def end(self, now_ms: int, target: int) -> None:
        """Note what was used; of a medium that fails, all that was granted stays used."""
        if not self._rx_ua:
            return
        used = self.used_uah(now_ms, target) if target else self._total_uah
        level = self._level_uah + self._now_uah(now_ms)
        self._save(level, target or self._target, used)

    def _now_uah(self, now_ms: int) -> int:
        if not self._rx_ua:
            return 0
        used = max(0, ticks_diff(now_ms, self._started_at_ms)) * self._rx_ua + self._apart_ua_ms()
        return -(-used // _UA_MS_PER_UAH)

    def _apart_ua_ms(self) -> int:
        return 2 * BOOT_MS * self._active_ua + self._sent_us * self._tx_ua // 1000

    def _limit(self) -> None:
        if self._rx_ua:
            granted_ua_ms = max(0, self._granted_uah - _LAST_UAH) * _UA_MS_PER_UAH
            left_ua_ms = granted_ua_ms - self._apart_ua_ms()
            self.span_ms = max(0, min(SESSION_MS, left_ua_ms // self._rx_ua))

    def _load(self, now_s: int) -> bool:
        """Read what is noted, as it is now; tell whether the clock was set back since."""
        try:
            stored = self._table.get(_KEY)
        except OSError:
            stored = None
        self._level_at_s = now_s = now_s % (_UAH_MAX + 1)
        if stored is None or len(stored) != _STORED_BYTES:
            return False
        level, at_s, self._target, self._total_uah = [
            read_word(stored, at) for at in (0, 4, 8, 12)
        ]
        if now_s > at_s:
            back_uah = (now_s - at_s) * self._day_uah // _DAY_S
            self._level_at_s = now_s - (now_s - at_s) * self._day_uah % _DAY_S // self._day_uah
            level -= back_uah
        self._level_uah = max(0, min(level, self._day_uah))
        return now_s < at_s

    def _save(self, level: int, target: int, total: int) -> None:
        data = bytearray(_STORED_BYTES)
        at = write_word(data, 0, min(level, self._day_uah))
        at = write_word(data, at, self._level_at_s)
        write_word(data, write_word(data, at, target), total)
        try:
            self._table.put(_KEY, bytes(data))
            self._table.commit()
        except OSError:
            pass  # a medium that fails fails the session, or is asked again
