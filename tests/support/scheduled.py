"""A schedule whose effects a test reads, and whose time goes from instant to instant."""

from kernel.power.schedule import Schedule
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD

PERIOD_MS = 60_000
START_MS = TICKS_PERIOD - 90_000  # the first windows lie on both sides of the wrap


class Driver:
    """Do what a schedule asks for, and let time pass until its next instant."""

    def __init__(self, node=5, period_ms=PERIOD_MS, listen_ms=0, break_even_ms=0):
        self.schedule = Schedule(node, Prng(node), period_ms, listen_ms, break_even_ms)
        self.now_ms = START_MS
        self.radios = []
        self.sleeps = []
        self.spoken = []  # the instants

    def radio(self, is_on):
        """Note an effect."""
        self.radios.append(is_on)

    def sleep(self, until_at_ms, depth):
        """Note an effect."""
        self.sleeps.append((until_at_ms, depth))

    def step(self):
        """Go to the next instant; return whether it is the one to speak at."""
        self.now_ms = self.schedule.next_at_ms(self.now_ms)
        if not self.schedule.on_time(self.now_ms, self):
            return False
        self.spoken.append(self.now_ms)
        return True

    def run_to_speak(self):
        """Go to the next instant to speak at; return it."""
        for _ in range(10):
            if self.step():
                return self.now_ms
        raise AssertionError("no window")

    def run_to_sleep(self):
        """Go on until the window is closed."""
        while self.schedule.is_open:
            self.step()

    def hear(self, node, phase_ms, leader=0):
        """Hear an announcement."""
        return self.schedule.on_neighbour_phase(
            self.now_ms, node, PERIOD_MS, phase_ms, leader or node
        )


def leading():
    """Return a driver whose schedule found nobody."""
    driver = Driver()
    driver.schedule.start(START_MS, driver)
    driver.run_to_speak()
    return driver
