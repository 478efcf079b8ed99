"""Run one agent through generated traces; print a digest of all that it did for each.

Runs on both runtimes: `agent_trace.py FIRST COUNT EVENTS [log]`. A trace is its seed: the events
are drawn from the kernel's own generator, so both runtimes see the same ones. Lines of the output:
seed, events and digest of each trace, then `seen` and how often what was covered. With `log` every
event and effect has a line of its own.
"""

import binascii
import json
import sys

from trace_application import TraceApplication
from trace_frames import NETWORK, OWN_NAME, Frames
from trace_surroundings import PowerCut, Recorder, TraceFlash, TraceParts, encode

from kernel import errors
from kernel.agent import Agent
from kernel.codec.frame import node_id
from kernel.config import Config
from kernel.effects import SLEEP_DEEP
from kernel.identity import Identity
from kernel.prng import Prng, seed_from
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff

RESETS = (
    errors.CAUSE_POWER_ON,
    errors.CAUSE_HARD_RESET,
    errors.CAUSE_WATCHDOG,
    errors.CAUSE_SOFT_RESET,
    errors.CAUSE_BROWNOUT,
    errors.CAUSE_PANIC,
)
NODE = node_id(b"\x02\x00\x00\x00\x08\x00")
LINKS = 3
CALM = 88  # of a hundred
STATUS_EVERY = 10  # events


class Trace:
    """One agent, its surroundings, and what happens to them."""

    def __init__(self, seed, log=None):
        rng = self._rng = Prng(seed_from("trace", seed))
        self.recorder = Recorder(log)
        self.events = 0
        self._flash = TraceFlash(self.recorder, rng)
        self._parts = TraceParts(self.recorder, rng)
        self._frames = Frames(rng, self.recorder, NODE)
        self._application = TraceApplication(
            rng.below, self.recorder.see, self.recorder.fold, encode, self._frames.name
        )
        self._config = self._choose_config()
        self._now_ms = (TICKS_PERIOD - rng.below(60_000)) % TICKS_PERIOD
        self._agent = None
        self._kept = None  # the latest snapshot, as RTC memory may still hold it
        self._is_calm = rng.below(2) == 0  # a long life, in which more comes to its end
        self._kinds = (
            (38, "frame", self._on_frame),
            (28, "time", self._on_time),
            (10, "application", self._on_application),
            (5, "undelivered", self._on_undelivered),
            (5, "battery", self._on_battery),
            (2, "news", self._on_news),
            # From here on only if the trace is not calm.
            (3, "hibernate", self._on_hibernate),
            (2, "reset", self._on_reset),
            (3, "power cut", self._on_cut_ahead),
            (2, "flash failure", self._on_failure_ahead),
            (1, "stop", self._on_stop),
            (1, "jump", self._on_jump),
        )

    def run(self, events):
        """Let so many things happen; return the digest of all that came of it."""
        self._start(errors.CAUSE_POWER_ON, None)
        for number in range(events):
            self.events += 1
            self._happen(number)
            if number % STATUS_EVERY == 0:
                self._note_status()
            self.recorder.fold("next", encode(self._agent.next_wake_at_ms()))
        return self.recorder.digest()

    def _note_status(self):
        status = self._agent.status()
        for reason in status["dropped"]:
            self.recorder.see("dropped " + reason)
        self.recorder.fold("status", encode(status))

    def _happen(self, number):
        roll = self._rng.below(CALM if self._is_calm else 100)
        for weight, name, handler in self._kinds:
            roll -= weight
            if roll < 0:
                self.recorder.see("happened " + name)
                self.recorder.fold(f"{number} {name}", encode(self._now_ms))
                handler()
                return

    def _choose_config(self):
        rng, config = self._rng, Config()
        settings = {}
        if rng.below(2):
            settings["wake_period_ms"] = (5_000, 20_000, 60_000)[rng.below(3)]
            settings["listen_ms"] = (0, 50)[rng.below(2)]
            settings["deep_sleep_ms"] = (0, 1, 4_000)[rng.below(3)]
        if rng.below(2):
            settings.update({"saving_mv": 3_600, "critical_mv": 3_300, "dormant_mv": 3_000})
        if rng.below(3) == 0:
            settings["budget_uah_per_day"] = (20, 2_000, 100_000)[rng.below(3)]
        config.take(settings)
        if rng.below(2):
            currents = (40_000, 85_000, 240_000, 31_000, 800, 8)
            names = "active wifi_rx wifi_tx modem_sleep light_sleep deep_sleep".split()
            config.take_currents(dict(zip(names, currents)))  # noqa: B905 - not in MicroPython
        return config

    # --- what happens ---

    def _on_frame(self):
        data = self._frames.next()
        link, rssi_dbm = self._rng.below(LINKS), -self._rng.below(100)
        self._now_ms = ticks_add(self._now_ms, self._rng.below(40))
        self.recorder.fold("frame", data)
        self._step(lambda agent, out: agent.on_frame(
            self._now_ms, link, data, len(data), rssi_dbm, out))  # fmt: skip

    def _on_time(self):
        left_ms = ticks_diff(self._agent.next_wake_at_ms(), self._now_ms)
        roll = self._rng.below(10)
        if roll < 7:
            span_ms = max(0, left_ms) + (self._rng.below(30) if roll < 3 else 0)
        else:
            span_ms = self._rng.below(2_000)
        self._pass(span_ms)

    def _on_jump(self):
        self._pass(self._rng.below(1 << 27))

    def _pass(self, span_ms):
        self._now_ms = ticks_add(self._now_ms, span_ms)
        self._step(lambda agent, out: agent.on_time(self._now_ms, out))

    def _on_application(self):
        # As a task of the user's own does, between two steps; the next step carries it out.
        self._step(lambda agent, out: self._application.act_outside())
        self._pass(self._rng.below(20))

    def _on_undelivered(self):
        self._step(lambda agent, out: agent.on_undelivered())

    def _on_battery(self):
        millivolts = (0, 2_900, 3_200, 3_500, 3_700, 4_100)[self._rng.below(6)]
        self._step(lambda agent, out: agent.on_battery(millivolts))

    def _on_hibernate(self):
        self._sleep_deep(ticks_add(self._now_ms, self._rng.below(100_000)))

    def _on_reset(self):
        self._config.application_id = self._rng.below(3)  # safe mode ends with another one
        self._start(RESETS[self._rng.below(len(RESETS))], self._kept)

    def _on_cut_ahead(self):
        self._flash.cut_after = self._rng.below(4)

    def _on_failure_ahead(self):
        self._flash.fail_after = self._rng.below(3)
        self._flash.fails = (1, 1, 3, 40)[self._rng.below(4)]

    def _on_stop(self):
        self._step(lambda agent, out: agent.stop(self._now_ms, out))
        self._start(errors.CAUSE_SOFT_RESET, None)

    def _on_news(self):
        # What a driver tells besides, and what a person asks at the console.
        self._agent.on_heap(self._rng.below(60_000))
        if self._rng.below(4) == 0:
            self._agent.keep_traceback(self._now_ms, b"Traceback: as intended")
        if self._agent.is_safe_mode:
            self._step(lambda agent, out: agent.leave_safe_mode(self._now_ms, out))
        self.recorder.fold("health", encode(self._agent.report_health()))

    # --- the driver of the agent ---

    def _step(self, call):
        agent, out = self._agent, self.recorder
        try:
            call(agent, out)
        except PowerCut:
            self.recorder.see("power cut")
            self._flash.cut_after = -1
            self._pass_dark()
            self._start(RESETS[self._rng.below(len(RESETS))], None)
            return
        spent_ms = self._rng.below(2_000) if self._rng.below(50) == 0 else self._rng.below(3)
        agent.on_spent(self._now_ms, spent_ms)
        reason, depth, until_at_ms = out.take_wish()
        if reason:
            self._start(errors.CAUSE_SOFT_RESET, self._kept)
        elif depth == SLEEP_DEEP:
            self._sleep_deep(until_at_ms)
        elif depth and self._rng.below(4):
            self._now_ms = until_at_ms

    def _pass_dark(self):
        self._now_ms = self._rng.below(TICKS_PERIOD)  # the clock starts anew, anywhere

    def _sleep_deep(self, until_at_ms):
        agent = self._agent
        buffer = bytearray(agent.snapshot_bytes)
        try:
            length = agent.hibernate(self._now_ms, buffer)
        except PowerCut:
            self.recorder.see("power cut")
            self._flash.cut_after = -1
            self._pass_dark()
            self._start(errors.CAUSE_BROWNOUT, None)
            return
        older, self._kept = self._kept, bytes(memoryview(buffer)[:length])
        self.recorder.effect("snapshot", self._kept)
        self.recorder.take_wish()
        self._now_ms = until_at_ms
        self._start(errors.CAUSE_DEEP_SLEEP, self._maybe_damage(older))

    def _maybe_damage(self, older):
        rng, kept = self._rng, self._kept
        roll = rng.below(10)
        if roll < 6:
            self.recorder.see("snapshot whole")
            return kept
        if roll == 6:
            self.recorder.see("snapshot lost")
            return None
        if roll == 7:
            self.recorder.see("snapshot truncated")
            return kept[: rng.below(len(kept))]
        if roll == 8:
            self.recorder.see("snapshot older")
            return older
        self.recorder.see("snapshot flipped")
        damaged = bytearray(kept)
        damaged[rng.below(len(damaged))] ^= 1 << rng.below(8)
        return bytes(damaged)

    def _start(self, cause, snapshot):
        for _ in range(8):  # a cut while starting starts again
            try:
                self._try_to_start(cause, snapshot)
                return
            except PowerCut:
                self.recorder.see("power cut at start")
                self._flash.cut_after = -1
                self._pass_dark()
                cause, snapshot = errors.CAUSE_POWER_ON, None
        raise AssertionError("it never starts")

    def _try_to_start(self, cause, snapshot):
        out = self.recorder
        out.see(f"cause {cause}")
        out.take_wish()
        journal = Journal(self._flash)
        journal.recover(cause == errors.CAUSE_DEEP_SLEEP)
        table = JournalTable(journal)
        if self._rng.below(20) == 0:
            self._spoil(table)
        identity = Identity(OWN_NAME, NODE, NETWORK, "board")
        rng = Prng(self._rng.below(1 << 29))
        agent = Agent(identity, rng, table, self._parts, self._config)
        self._agent = agent
        agent.release = (self._rng.below(9), 7, 3)
        agent.start(self._now_ms, cause, snapshot, out)
        if agent.is_safe_mode:
            out.see("safe mode")
        agent.set_up(self._now_ms, self._application.setup, out)
        out.take_wish()  # whoever sleeps at once is woken at once

    def _spoil(self, table):
        # As another version of the firmware may have left it: whole, and of another meaning.
        keys = table.keys()
        if keys:
            table.put(keys[self._rng.below(len(keys))], bytes([self._rng.below(256)] * 3))
            try:
                table.commit()
                self.recorder.see("table spoilt")
            except OSError:
                self.recorder.fold("flash failed", b"")


def main(arguments):
    """Run the traces that are asked for."""
    first, count, events = int(arguments[0]), int(arguments[1]), int(arguments[2])
    log = print_entry if "log" in arguments else None
    seen = {}
    for seed in range(first, first + count):
        trace = Trace(seed, log)
        digest = trace.run(events)
        print(seed, trace.events, trace.recorder.count, digest)
        for what in trace.recorder.seen:
            seen[what] = seen.get(what, 0) + trace.recorder.seen[what]
    print("seen", json.dumps(seen))


def print_entry(what, content):
    """Print one thing that happened."""
    print(what, binascii.hexlify(content).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
