"""When to wake, for how long to listen, and how deep to sleep in between.

A window opens a guard before its instant, since clocks drift; at its instant all others listen,
so that is when to speak; it closes when nobody has anything more to say. Then the agent sleeps:
deep if the gap pays for booting again, else light.

Input    start(now, out) or resume(now, out), on_time(now, out), on_frame(now),
         on_sent(now, count), on_neighbour_phase(now, node, period, phase, leader),
         sleep(now, due, has_due, out)
Effects  out.radio(is_on), out.sleep(until, depth)
Bounds   16 small ints to remember; nothing is allocated after construction. A step that comes late
         by more than guard and listening time loses the window
"""

# long: one machine; cut in two, each half would need the instants and the stage of the other.

from ..effects import SLEEP_DEEP, SLEEP_LIGHT
from ..fields import read_signed, read_word, write_word
from ..limits import LISTEN_MS_MAX, PERIOD_MS_MAX
from ..prng import Prng
from ..ticks import ticks_add, ticks_diff
from .cluster_clock import FORGET_WINDOWS, KEPT, MOVED, ClusterClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import PowerSink

DORMANT_MS = 3_600_000  # from one look at the battery to the next

_LISTEN_MS_MIN = 4  # a frame of 250 B and what acknowledges it; traffic extends it
_FRAME_MS = 2  # on the air, and what it waits for that
_LISTEN_MS_BUSY = 500  # the most, unless a person asks for more
_NAP_MS = 3  # a shorter gap is waited for
SEARCH_WINDOWS_MAX = 2_048  # from one search of a leader to its next
_MOVE_WINDOWS = 4  # of the old ones that are still visited by who moved, to tell the others
_LATE_MS_MAX = 5_000  # a later wake was no boot but something else

_WAITING, _EARLY, _SPOKEN = range(3)  # for the window, for its instant, for its end


class Schedule:
    """The windows of one agent."""

    SNAPSHOT_BYTES = 60

    def __init__(
        self, node: int, rng: Prng, period_ms: int, listen_ms: int, break_even_ms: int
    ) -> None:
        self.clock = ClusterClock(node, period_ms)
        self.is_open = True  # the radio is on, as after every boot
        self.may_speak = True  # others listen
        self._rng = rng
        self._break_even_ms = break_even_ms
        self._listen_ms_min = listen_ms or _LISTEN_MS_MIN
        self._listen_ms_max = min(max(_LISTEN_MS_BUSY, listen_ms), period_ms >> 2, LISTEN_MS_MAX)
        self.listen_ms = self._listen_ms_min
        self._factor = 1
        self._has_radio = self._has_search = True
        self._stage = _WAITING
        self._close_at_ms = 0
        self._heard_ms = 0  # from this window's instant to its last frame
        self._is_old = False  # this window is one of those that we left
        self._has_answered = False  # once between two windows is enough
        self._old_at_ms = 0  # of the next of them
        self._old_count = 0
        self._seek_until_ms = 0
        self.is_seeking = False  # listening between windows
        self._search_in = self._search_every = FORGET_WINDOWS
        self._asleep_until_ms = 0
        self.boot_ms = 0  # from the end of a deep sleep to `resume`
        self._radio_ms = 0  # by which a window's instant was missed: the radio takes time to start

    def start(self, now_ms: int, out: "PowerSink") -> None:
        """Listen through one period for the others; who hears nobody leads.

        A little longer, by chance, so that of many that started together one is the first.
        """
        if self.clock.period_ms:
            self.clock.is_lost = True
            span_ms = self.listen_ms
            if self._has_search:
                span_ms = self.clock.period_ms + self._rng.below(self.clock.period_ms >> 2)
            self.is_seeking = True
            self._seek_until_ms = ticks_add(now_ms, span_ms)
        self._switch(True, out)

    def resume(self, now_ms: int, out: "PowerSink") -> None:
        """Go on after a deep sleep; by as much as booting took, the next one ends earlier."""
        late_ms = ticks_diff(now_ms, self._asleep_until_ms)
        if 0 <= late_ms < _LATE_MS_MAX:
            self.boot_ms = (3 * self.boot_ms + late_ms + 3) >> 2 if self.boot_ms else late_ms
        self.may_speak = False
        self._switch(False, out)

    def set_mode(self, period_factor: int, has_radio: bool, has_search: bool) -> None:
        """Attend every n-th window only, or none; look for others or not."""
        self._factor = period_factor
        self._has_radio = has_radio
        self._has_search = has_search

    def on_time(self, now_ms: int, out: "PowerSink") -> bool:
        """Open and close windows; True once in each: the others listen now, so speak."""
        clock = self.clock
        if not clock.period_ms or not self._has_radio:
            self._stage = _WAITING
            self.may_speak = self._has_radio
            self._switch(self._has_radio, out)
            return False
        if self.is_seeking and ticks_diff(now_ms, self._seek_until_ms) >= 0:
            self.is_seeking = False
            if clock.is_lost:
                clock.begin(now_ms)
        if clock.is_lost:
            return False
        if self._stage == _SPOKEN and ticks_diff(now_ms, self._close_at_ms) >= 0:
            # Someone in its second half: it was too short, but for the traffic. Else too long.
            if self._heard_ms > self.listen_ms >> 1:
                self.listen_ms = min(self._listen_ms_max, self.listen_ms * 3 // 2)
            else:
                self.listen_ms = max(self._listen_ms_min, self.listen_ms * 3 >> 2)
            self._has_answered = False
            self._stage = _WAITING
            self._advance(now_ms)
        if self._stage == _WAITING:
            self._open(now_ms)
        self._switch(self.is_seeking or self._stage != _WAITING, out)
        late_ms = ticks_diff(now_ms, self._at_ms())
        is_instant = self._stage == _EARLY and late_ms >= 0
        if is_instant:
            self._radio_ms = min(_LATE_MS_MAX, self._radio_ms - (self._radio_ms >> 4) + late_ms)
            self._stage = _SPOKEN
            self._close_at_ms = ticks_add(self._at_ms(), clock.guard_ms() + self.listen_ms)
        self.may_speak = self._stage == _SPOKEN
        return is_instant

    def next_at_ms(self, now_ms: int) -> int:
        """Return when `on_time` is to be called next, at the latest."""
        if not self.clock.period_ms or not self._has_radio:
            return ticks_add(now_ms, DORMANT_MS)
        if self._stage == _EARLY:
            return self._at_ms()
        if self._stage == _SPOKEN:
            return self._close_at_ms
        at_ms = ticks_add(self._next_ms(), -self.clock.guard_ms() - self._radio_ms)
        if self.is_seeking and (self.clock.is_lost or ticks_diff(self._seek_until_ms, at_ms) < 0):
            return self._seek_until_ms
        return at_ms

    def on_frame(self, now_ms: int) -> None:
        """Listen on while there is traffic, within the bound of a window."""
        if self._stage == _SPOKEN:
            self._heard_ms = ticks_diff(now_ms, self._at_ms())
            self._listen_on(now_ms, self._listen_ms_min)

    def on_sent(self, now_ms: int, count: int) -> None:
        """Listen on until our own frames are out: the others wait for that with theirs."""
        if self._stage == _SPOKEN:
            self._listen_on(now_ms, self._listen_ms_min + _FRAME_MS * count)

    def _listen_on(self, now_ms: int, span_ms: int) -> None:
        span_ms = min(span_ms, self._listen_ms_max - ticks_diff(now_ms, self._at_ms()))
        if ticks_diff(self._close_at_ms, now_ms) < span_ms:
            self._close_at_ms = ticks_add(now_ms, span_ms)

    def phase_ms(self, now_ms: int) -> int:
        """Return how long it is until our next window, NO_PHASE while we are no good guide."""
        return self.clock.phase_ms(now_ms, self._is_old and self._old_count > 0)

    def on_neighbour_phase(
        self, now_ms: int, node: int, period_ms: int, phase_ms: int, leader: int
    ) -> bool:
        """Take in when a neighbour's next window is.

        Returns: True if an announcement of ours is wanted at once: we learned what others in reach
        may not know, or the neighbour has other windows than we.
        """
        if period_ms != self.clock.period_ms or not 0 <= phase_ms < period_ms:
            return False
        was_lost, was_alone = self.clock.is_lost, self.clock.is_alone()
        old_at_ms = self._at_ms()
        result = self.clock.hear(now_ms, node, phase_ms, leader, self.is_seeking)
        if result == MOVED:
            self._search_in = self._search_every = FORGET_WINDOWS
            self.is_seeking = False
            self._is_old = self._stage != _WAITING
            self._old_at_ms = old_at_ms
            self._old_count = 0 if was_lost or was_alone else _MOVE_WINDOWS
            if not self._old_count:
                self._is_old, self._stage = False, _WAITING
        elif self._stage == _SPOKEN:
            # What was learned may allow to listen less.
            most_ms = self.clock.guard_ms() + max(self.listen_ms, self._listen_ms_min + 1)
            left_ms = ticks_diff(self._at_ms(), now_ms) + most_ms
            self._close_at_ms = ticks_add(now_ms, max(self._listen_ms_min, left_ms))
        is_news = result != KEPT and not self._has_answered
        if is_news:
            self._has_answered = self.may_speak = True
        return is_news

    def sleep(
        self, now_ms: int, due_at_ms: int, has_due: bool, can_be_deep: bool, out: "PowerSink"
    ) -> bool:
        """Sleep if there is time to; the last call of a step in which nothing is left to do.

        `due_at_ms`: what the processor is to wake for without a window, if there is anything.

        Returns: False if the agent stays awake.
        """
        if self.is_open:
            return False
        wake_at_ms = self.next_at_ms(now_ms)
        if has_due and ticks_diff(due_at_ms, wake_at_ms) < 0:
            wake_at_ms = due_at_ms
        gap_ms = ticks_diff(wake_at_ms, now_ms)
        if gap_ms < _NAP_MS:
            return False
        if not can_be_deep or gap_ms < max(self._break_even_ms, 2 * self.boot_ms + 1):
            out.sleep(wake_at_ms, SLEEP_LIGHT)
            return True
        self._asleep_until_ms = ticks_add(wake_at_ms, -self.boot_ms)
        out.sleep(self._asleep_until_ms, SLEEP_DEEP)
        return True

    def _open(self, now_ms: int) -> None:
        self._is_old = self._next_ms() != self.clock.start_at_ms
        guard_ms = self.clock.guard_ms()
        late_ms = ticks_diff(now_ms, self._at_ms())
        if late_ms > guard_ms + self.listen_ms:  # slept through it
            self._advance(now_ms)
            late_ms = ticks_diff(now_ms, self._at_ms())
        if late_ms >= -guard_ms - self._radio_ms:
            self._heard_ms = 0
            self._stage = _EARLY

    def _advance(self, now_ms: int) -> None:
        if self._is_old:
            self._old_at_ms = self.clock.after(self._old_at_ms, 1)
            self._old_count -= 1
            self._is_old = self._next_ms() != self.clock.start_at_ms
            return
        # An instant beyond half the tick period would lie in the past.
        factor_max = max(1, PERIOD_MS_MAX // self.clock.local_period_ms())
        self._search_in -= self.clock.advance(now_ms, min(self._factor, factor_max))
        is_leading = self.clock.leader == self.clock.node
        if is_leading and self._search_in <= 0 and self._has_search:
            self._search_every = min(2 * self._search_every, SEARCH_WINDOWS_MAX)
            self._search_in = self._search_every
            self.is_seeking = True
            self._seek_until_ms = self.clock.after(now_ms, 1)

    def _switch(self, is_on: bool, out: "PowerSink") -> None:
        if is_on != self.is_open:
            self.is_open = is_on
            out.radio(is_on)

    def _next_ms(self) -> int:
        old_ms, start_at_ms = self._old_at_ms, self.clock.start_at_ms
        is_old = self._old_count > 0 and ticks_diff(old_ms, start_at_ms) < 0
        return old_ms if is_old else start_at_ms

    def _at_ms(self) -> int:
        return self._old_at_ms if self._is_old else self.clock.start_at_ms

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleeping agent must remember; return where it ends."""
        offset = self.clock.save_into(buffer, offset)
        offset = write_word(buffer, offset, self._old_at_ms)
        offset = write_word(buffer, offset, self._old_count)
        offset = write_word(buffer, offset, self._search_in)
        offset = write_word(buffer, offset, self._search_every)
        offset = write_word(buffer, offset, self.listen_ms)
        offset = write_word(buffer, offset, self._asleep_until_ms)
        offset = write_word(buffer, offset, self.boot_ms)
        return write_word(buffer, offset, self._radio_ms)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring back what `save_into` wrote; return where it ends."""
        offset = self.clock.load_from(buffer, offset)
        self._old_at_ms = read_word(buffer, offset)
        self._old_count = read_word(buffer, offset + 4)
        self._search_in = read_signed(buffer, offset + 8)
        self._search_every = read_word(buffer, offset + 12)
        self.listen_ms = read_word(buffer, offset + 16)
        self._asleep_until_ms = read_word(buffer, offset + 20)
        self.boot_ms = read_word(buffer, offset + 24)
        self._radio_ms = read_word(buffer, offset + 28)
        return offset + 32
