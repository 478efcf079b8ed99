"""When the cluster's windows begin, on our own clock.

All agents of a cluster begin a window every `period_ms`, at the same instants. Each follows the
lowest node id that it hears: it corrects its own instants by what it heard, and learns by how much
that clock is faster or slower than its own. Who falls silent is forgotten, and since all keep the
same instants and the same rate by then, the next lowest takes over without a jump. A newcomer
first takes on what it hears, and leads, if its id is the lowest, only when it knows the rate.

Input    begin(now), hear(now, node, phase, leader, is_seeking), advance(now, least)
Effects  none
Bounds   8 small ints to remember; nothing is allocated
Source   a second-order clock loop (F. Gardner, "Phaselock Techniques", 2005, chapter 2) with gains
         of 1/2 for the instant and 1/4 for the rate
"""

from ..fields import read_signed, read_word, write_word
from ..ticks import ticks_add, ticks_diff

NO_PHASE = -1

# What came of a neighbour's phase.
KEPT, MOVED, FOREIGN = range(3)  # ours, ours now, not ours: it should hear of us

FORGET_WINDOWS = 8  # without a word from whom we follow
_STALE_WINDOWS = 5  # without a word from whom we follow: then others may know better
_GUARD_MS_MIN = 4  # instants are whole milliseconds, and a frame takes two
_PHASE_MS = 8  # by which a phase may be late: it waited for a busy air
_DRIFT_PPM_MAX = 110_000  # between two RC oscillators, one 5 % fast and one 5 % slow
_ERROR_MS_MAX = 1_000_000  # times 1,000 it is still a small int


class ClusterClock:
    """The instants that one agent shares with its cluster."""

    def __init__(self, node: int, period_ms: int) -> None:
        self.period_ms = period_ms
        self.node = node
        self.leader = node  # whose instants we keep; our own id: others keep ours
        self.drift_ppm = 0  # by which the leader's period is longer on our clock
        self.start_at_ms = 0  # of the window that is under way or comes next
        self.is_lost = False  # we do not know the instants
        self.is_fresh = 0  # 1: we know the instants, but not the rate; 2: them not well either
        self._carry = 0  # millionths of a millisecond that did not fit `start_at_ms`
        self._rest = 0  # the same of the last sum
        self._error_ms = 0  # by which our instants were wrong lately, per window between
        self._since = 0  # windows since the leader was heard
        self._silent = 0  # windows since anyone was heard who keeps our instants

    def begin(self, now_ms: int) -> None:
        """Make now the instant of a window: nobody else was there to tell."""
        self.start_at_ms = now_ms
        self.is_lost = False
        self.is_fresh = 0
        self._error_ms = 0
        self.leader = self.node

    def is_leading(self) -> bool:
        """Return whether our own rate counts: who restarts and is followed learns theirs."""
        return self.leader == self.node and not self.is_fresh

    def is_alone(self) -> bool:
        """Return whether nobody was heard lately who keeps our instants."""
        return self._silent >= FORGET_WINDOWS

    def local_period_ms(self) -> int:
        """Return how long a period of the cluster is on our clock."""
        return self.period_ms + self._drift_ms(self.period_ms)

    def guard_ms(self) -> int:
        """Return by how much the next instant may be wrong."""
        windows = 1 if self.is_leading() else max(1, self._since)
        return min(_GUARD_MS_MIN + self._error_ms * windows, self.period_ms >> 2)

    def after(self, at_ms: int, windows: int) -> int:
        """Return the instant some windows after another one."""
        span_ms = self.period_ms * windows
        return ticks_add(at_ms, span_ms + self._drift_ms(span_ms))

    def advance(self, now_ms: int, windows_min: int) -> int:
        """Go to the next window that is not over; return by how many windows that is."""
        late_ms = ticks_diff(now_ms, self.start_at_ms)
        windows = max(windows_min, 1 + late_ms // self.local_period_ms())
        self.start_at_ms = self.after(self.start_at_ms, windows)
        self._carry = self._rest
        self._since += windows
        self._silent += windows
        if self.is_leading():
            self._error_ms -= (self._error_ms + 3) >> 2
        elif self._since > FORGET_WINDOWS * windows_min:
            # All do so at about this time, and have strayed from each other meanwhile.
            self._error_ms = min(self._error_ms * self._since, self.period_ms >> 3)
            self.leader = self.node
            self.is_fresh = 0
        return windows

    def phase_ms(self, now_ms: int, is_guess_good: bool) -> int:
        """Return how long it is until the next window, in the cluster's milliseconds: [0, period).

        Our own are not as long. So that the error is small, the time since the last window counts
        where it is the shorter.

        Returns: NO_PHASE while we do not know it well enough, unless a guess is better than none.
        """
        is_sure = not self.is_fresh or (self.is_fresh == 1 and not self._since)
        if self.is_lost or not self.period_ms or not (is_sure or is_guess_good):
            return NO_PHASE
        local_ms = self.local_period_ms()
        past_ms = ticks_diff(now_ms, self.start_at_ms) % local_ms
        if 2 * past_ms <= local_ms:
            return (self.period_ms - past_ms) % self.period_ms
        return local_ms - past_ms

    def hear(self, now_ms: int, node: int, phase_ms: int, leader: int, is_seeking: bool) -> int:
        """Take in a neighbour's phase, as `phase_ms` made it, and whom it follows.

        Of two clusters the one with the higher leader moves. An agent that is lost, or alone and
        seeking, moves to any.

        Returns: KEPT, MOVED or FOREIGN.
        """
        past_ms = (self.period_ms - phase_ms) % self.period_ms
        start_at_ms = ticks_add(now_ms, -past_ms if past_ms <= phase_ms else phase_ms)
        # Far from a window, the instant is only as good as the two clocks are alike.
        is_exact = min(past_ms, phase_ms) <= self.period_ms >> 7
        if not self.is_lost:
            local_ms = self.local_period_ms()
            error_ms = ticks_diff(start_at_ms, self.start_at_ms)
            error_ms = (error_ms + (local_ms >> 1)) % local_ms - (local_ms >> 1)
            is_ours = not self.is_fresh or (leader == self.leader and is_exact)
            if is_ours and abs(error_ms) <= self.guard_ms() + (self.period_ms >> 9) + _PHASE_MS:
                self._silent = 0
                if node == self.leader or (self.is_fresh and self._since):
                    self._follow(error_ms)
                elif node == leader and leader < self.leader:
                    self._correct(error_ms)
                    self.leader = node
                    self._since = 0
                return KEPT
            is_stale = leader == self.leader and (node == leader or self._since > _STALE_WINDOWS)
            is_stale = is_stale and not self.is_leading()  # its own instants are those that count
            if not (leader < self.leader or is_stale or (is_seeking and self.is_alone())):
                return FOREIGN
        self.start_at_ms = start_at_ms
        self.leader = leader
        self.is_lost = False
        self.is_fresh = 1 if is_exact else 2
        self.drift_ppm = self._carry = 0
        self._error_ms = self.period_ms >> 3
        self._since = self._silent = 0
        return MOVED

    def _follow(self, error_ms: int) -> None:
        windows = self._since
        self._since = 0
        if not windows:  # heard again in the same window
            self._correct(error_ms)
            return
        if self.is_fresh > 1:
            self.is_fresh = 1
            self.start_at_ms = ticks_add(self.start_at_ms, error_ms)
            return
        bounded_ms = max(-_ERROR_MS_MAX, min(_ERROR_MS_MAX, error_ms))
        ppm = bounded_ms * 1000 // (windows * (self.period_ms // 1000))
        if self.is_fresh:
            # A leader that restarted looks like one that is fast or slow: the next window tells.
            if abs(bounded_ms) <= (self.period_ms >> 9) + _PHASE_MS:
                self.is_fresh = 0
                self._error_ms = self.period_ms >> 9
            self.start_at_ms = ticks_add(self.start_at_ms, error_ms)
        else:
            ppm >>= 2
            self._error_ms = (self._error_ms + abs(bounded_ms) // windows + 1) >> 1
            self._correct(error_ms)
        ppm += self.drift_ppm
        self.drift_ppm = max(-_DRIFT_PPM_MAX, min(_DRIFT_PPM_MAX, ppm))
        if self.node < self.leader and self._error_ms <= _GUARD_MS_MIN:
            self.leader = self.node

    def _correct(self, error_ms: int) -> None:
        # Half of it may be jitter; what is beyond the guard is not.
        if abs(error_ms) <= self.guard_ms():
            error_ms >>= 1
        self.start_at_ms = ticks_add(self.start_at_ms, error_ms)

    def _drift_ms(self, span_ms: int) -> int:
        # By thousands: the product of a long span and the drift is no small int.
        ppm = self.drift_ppm
        middle = span_ms % 1_000_000 // 1000 * ppm
        low = middle % 1000 * 1000 + span_ms % 1000 * ppm + self._carry
        self._rest = low % 1_000_000
        return span_ms // 1_000_000 * ppm + middle // 1000 + low // 1_000_000

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleeping agent must remember; return where it ends."""
        offset = write_word(buffer, offset, self.start_at_ms)
        offset = write_word(buffer, offset, self._carry << 2 | self.is_fresh)
        offset = write_word(buffer, offset, self.leader)
        offset = write_word(buffer, offset, self.drift_ppm)
        offset = write_word(buffer, offset, self._error_ms)
        offset = write_word(buffer, offset, self._since)
        return write_word(buffer, offset, self._silent)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring back what `save_into` wrote; return where it ends."""
        self.start_at_ms = read_word(buffer, offset)
        carry = read_word(buffer, offset + 4)
        self._carry, self.is_fresh = carry >> 2, carry & 3
        self.leader = read_word(buffer, offset + 8)
        self.drift_ppm = read_signed(buffer, offset + 12)
        self._error_ms = read_word(buffer, offset + 16)
        self._since = read_word(buffer, offset + 20)
        self._silent = read_word(buffer, offset + 24)
        self.is_lost = False
        return offset + 28
