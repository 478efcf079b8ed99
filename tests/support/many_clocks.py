"""A small air between schedules whose clocks run at their own rates, in virtual time.

Frames are announcements only; each is heard, unless it is lost, by whoever's radio is on.
"""

import heapq

from kernel.effects import Effects
from kernel.power.cluster_clock import NO_PHASE
from kernel.power.schedule import Schedule
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_diff

AIR_US = 1_500  # of an announcement of 100 bytes, and what receiving it takes
ANNOUNCE_MS = 5_000  # while an agent looks for others


class Clock(Effects):
    """One schedule on its own clock, and the driver that it needs."""

    def __init__(self, node, rng, period_ms, *, ppm, offset_ms, boots_at_us):
        self.node = node
        self.ppm = ppm
        self.offset_ms = offset_ms
        self.boots_at_us = boots_at_us
        self.schedule = Schedule(node, rng, period_ms, 0, 0)
        self.is_on = False
        self.announce_at_ms = None
        self.radio_is_on = True

    def now_ms(self, us):
        """Return this clock's milliseconds at a true instant."""
        return (self.offset_ms + us * (1_000_000 + self.ppm) // 1_000_000_000) % TICKS_PERIOD

    def us_at(self, us, at_ms):
        """Return the true instant, not before `us`, at which this clock shows `at_ms`."""
        span_ms = max(0, ticks_diff(at_ms, self.now_ms(us)))
        guess = us + span_ms * 1_000_000_000 // (1_000_000 + self.ppm)
        while ticks_diff(self.now_ms(guess), at_ms) < 0:
            guess += 100
        return guess

    def radio(self, is_on):
        """Switch the radio."""
        self.radio_is_on = is_on


class Air:
    """The agents, and what they say to each other."""

    def __init__(self, seed, loss_permille=0):
        self.rng = Prng(seed)
        self.loss_permille = loss_permille
        self.clocks = []
        self.now_us = 0
        self.spoken = []  # (instant, speaker, those who listened)
        self._queue = []
        self._count = 0
        self._wakes = {}

    def add(self, clock):
        """Let an agent boot at its instant."""
        self.clocks.append(clock)
        self._push(clock.boots_at_us, "boot", clock, None)

    def stop(self, clock):
        """Take an agent away."""
        clock.is_on = False
        clock.radio_is_on = False

    def run_until(self, us):
        """Let time pass."""
        while self._queue and self._queue[0][0] <= us:
            self.now_us, _, what, clock, detail = heapq.heappop(self._queue)
            if what == "boot":
                clock.is_on = True
                now_ms = clock.now_ms(self.now_us)
                clock.schedule.start(now_ms, clock)
                clock.announce_at_ms = now_ms
                self._step(clock)
            elif not clock.is_on:
                continue
            elif what == "wake" and self._wakes.get(clock.node) == detail:
                self._step(clock)
            elif what == "frame" and clock.radio_is_on:
                self._hear(clock, detail)
        self.now_us = us

    def _push(self, us, what, clock, detail):
        self._count += 1
        heapq.heappush(self._queue, (us, self._count, what, clock, detail))

    def _hear(self, clock, detail):
        node, period_ms, phase_ms, leader = detail
        now_ms = clock.now_ms(self.now_us)
        clock.schedule.on_frame(now_ms)
        must_answer = phase_ms != NO_PHASE and clock.schedule.on_neighbour_phase(
            now_ms, node, period_ms, phase_ms, leader
        )
        if must_answer:
            self._speak(clock)
        self._step(clock)

    def _step(self, clock):
        now_ms = clock.now_ms(self.now_us)
        schedule = clock.schedule
        if schedule.on_time(now_ms, clock):
            self._speak(clock)
        if schedule.clock.is_lost and ticks_diff(now_ms, clock.announce_at_ms) >= 0:
            clock.announce_at_ms = (now_ms + ANNOUNCE_MS) % TICKS_PERIOD
            self._speak(clock)
        at_ms = schedule.next_at_ms(now_ms)
        if schedule.clock.is_lost and ticks_diff(clock.announce_at_ms, at_ms) < 0:
            at_ms = clock.announce_at_ms
        wake_us = clock.us_at(self.now_us + 100, at_ms)
        self._wakes[clock.node] = wake_us
        self._push(wake_us, "wake", clock, wake_us)

    def _speak(self, clock):
        schedule = clock.schedule
        phase_ms = schedule.phase_ms(clock.now_ms(self.now_us))
        listeners = [c.node for c in self.clocks if c.is_on and c is not clock and c.radio_is_on]
        self.spoken.append((self.now_us, clock.node, listeners, phase_ms))
        for other in self.clocks:
            if other is not clock and self.rng.below(1000) >= self.loss_permille:
                detail = (clock.node, schedule.clock.period_ms, phase_ms, schedule.clock.leader)
                self._push(self.now_us + AIR_US, "frame", other, detail)
