"""A board for one agent: carries out its sleep, keeps its table and its RTC memory."""

from kernel.effects import SLEEP_DEEP
from kernel.errors import CAUSE_DEEP_SLEEP, CAUSE_POWER_ON
from kernel.ticks import ticks_diff
from support.pair import START_MS, Node

_STEPS_MAX = 100_000


class Sleeper:
    """Run one agent through time, and past its end if it sleeps then.

    `wakes` has when it woke from deep sleep.
    """

    def __init__(self, setup=None, number=1, **settings):
        self.now_ms = START_MS
        self.setup = setup
        self.number = number
        self.settings = settings
        self.memory = None  # RTC memory
        self.table = None
        self.wakes = []
        self.lights = 0
        self.frames = []
        self.sent_at_ms = []
        self.reports = []
        self.errors = []
        self.battery_mv = 0
        self.boot(CAUSE_POWER_ON)

    def boot(self, cause):
        """Make the agent anew, as a reset does."""
        self.node = Node("a", self.number, table=self.table, **self.settings)
        self.table = self.node.table
        self.agent, self.out = self.node.agent, self.node.out
        remembered, self.memory = self.memory, None
        self.agent.on_battery(self.battery_mv)
        self.node.start(self.now_ms, cause, remembered)
        if self.setup is not None:
            self.agent.set_up(self.now_ms, self.setup, self.out)
        self._carry_out()

    def run(self, span_ms):
        """Let time pass, from one instant at which the agent wants to be called to the next."""
        until_ms = (self.now_ms + span_ms) & ((1 << 29) - 1)
        for _ in range(_STEPS_MAX):
            at_ms = self.agent.next_wake_at_ms()
            if ticks_diff(at_ms, until_ms) > 0:
                self.now_ms = until_ms
                return
            if ticks_diff(at_ms, self.now_ms) > 0:
                self.now_ms = at_ms
            self.agent.on_time(self.now_ms, self.out)
            self._carry_out()
            if ticks_diff(self.now_ms, until_ms) >= 0:
                return
        raise AssertionError("an agent that is always due")

    def forget(self):
        """Forget what was noted so far: the notes of days lie strewn over a small heap."""
        self.frames.clear()
        self.sent_at_ms.clear()
        self.reports.clear()

    def hear(self, data):
        """Let a frame arrive."""
        self.agent.on_frame(self.now_ms, 0, data, len(data), -60, self.out)
        self._carry_out()

    def _carry_out(self):
        for data in self.out.take_frames():
            self.frames.append(data)
            self.sent_at_ms.append(self.now_ms)
        self.reports += self.out.reports
        self.errors += self.out.errors
        self.out.reports, self.out.errors = [], []
        sleeps, self.out.sleeps = self.out.sleeps, []
        if not sleeps:
            return
        until_ms, depth = sleeps[-1]
        if depth != SLEEP_DEEP:
            self.lights += 1
            self.now_ms = until_ms
            return
        buffer = bytearray(self.agent.snapshot_bytes)
        assert self.agent.hibernate(self.now_ms, buffer) == len(buffer)
        self.memory = buffer
        self.now_ms = until_ms
        self.wakes.append(until_ms)
        self.boot(CAUSE_DEEP_SLEEP)
