"""Turn an agent: receive, step, carry out effects, sleep.

Once an application has imported asyncio, a task among its own does it. Nothing else here waits: a
link that has nothing says so.
"""

import gc
import os
import sys
import time

from device import sleeping
from device.board import Board
from device.flash import open_flash
from device.link_espnow import EspnowLink
from device.recorder import (
    KEEP_TRACEBACK,
    ON_BATTERY,
    ON_FRAME,
    ON_SPENT,
    ON_TIME,
    ON_UNDELIVERED,
    SET_UP,
    START,
    Recorder,
)
from device.rtc import ON_TRIAL, Rtc
from device.sink import Sink
from device.watchdog import DEFAULT_MS, Watchdog
from kernel.agent import Agent
from kernel.codec.frame import node_id
from kernel.effects import SLEEP_DEEP
from kernel.errors import CAUSE_DEEP_SLEEP, CAUSE_PANIC, CAUSE_WATCHDOG
from kernel.identity import Identity
from kernel.prng import Prng
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from kernel.ticks import ticks_add, ticks_diff

# From one look at the links to the next: short while frames come, doubled while none do. The
# longer one is a message's added delay at most; with the radio off it only serves a user's tasks.
_POLL_MS_MIN = 5
_POLL_MS_WINDOW = 2  # a frame tells when its sender's next window is: late heard is late met
_POLL_MS_MAX = 50
_FRAMES_PER_TURN = 16  # received before timers are served again
_STATUS_MS = 5_000
_TRIAL_MS = 60_000  # of an agent on trial that is awake: they count as a wake that ended in order
_STATUS_PER_HEALTH = 12  # status records, the first one included


class Loop:
    """Compose the agent of a board and run it with the application of a folder, or the image's."""

    def __init__(self, folder):
        from device import app, crash, links

        self._folder = folder
        self.rtc = rtc = Rtc()
        self.board = board = Board()
        settings, config = board.settings, board.settings.config
        self.watchdog = Watchdog(settings.whole("watchdog_ms", DEFAULT_MS))
        self.sink = Sink(board)
        links.open_links(self.sink, board, EspnowLink)
        cause = crash.cause(rtc)
        text, rtc.traceback = rtc.traceback, b""
        if text or cause in (CAUSE_PANIC, CAUSE_WATCHDOG):
            self._keep_crash(text, cause)
        snapshot = rtc.take_snapshot()  # and what `crash` noted is kept with it
        self._boot = boot = cause, text, snapshot
        self.is_first_sleep = cause != CAUSE_DEEP_SLEEP
        if self.is_first_sleep:  # at a wake it was compared at the boot before
            config.application_id = app.fingerprint(folder)
        del app, crash, links  # they make room for the agent
        self.journal = None
        flash = open_flash("state")
        if flash is None:
            from kernel.ports import Table

            table = Table()
            self.sink.note("no state partition", "nothing outlives a power loss; run: cma flash")
        else:
            self.journal = Journal(flash)
            self.journal.recover(not self.is_first_sleep and snapshot is not None)
            table = JournalTable(self.journal)
        identity = Identity(settings.name, node_id(board.mac), settings.network, settings.board)
        seed = int.from_bytes(os.urandom(4), "big")
        position = self.journal.position() if self.journal else 0
        self.recorder = Recorder(rtc, boot, seed, position, config.application_id)
        board.recorder = self.recorder
        self.agent = Agent(identity, Prng(seed), table, board, config)
        self.agent.release = release = rtc.release()
        self._trial_at_ms = None
        if release[2] == ON_TRIAL:
            from device import trial

            trial.begin(self)
            self._trial_ms = settings.whole("trial_ms", _TRIAL_MS)
            self._trial_at_ms = ticks_add(rtc.now_ms(), self._trial_ms)
        self._has_windows = config.wake_period_ms > 0
        settings.config = None  # the agent took what it needs
        self._status_ms = settings.whole("status_ms", _STATUS_MS)
        self._status_at_ms = rtc.now_ms()
        self._status_count = 0
        self._poll_ms = _POLL_MS_MIN
        self.application = ""  # how it is
        self._is_kept_awake = False
        self._is_nap = False

    def run(self):
        """Run the agent; once an application has imported asyncio, beside its tasks.

        Raises: KeyboardInterrupt when Ctrl-C is pressed, and whatever the kernel itself raises.
        """
        self._start()
        while "asyncio" not in sys.modules:  # 4 KB that few applications need
            time.sleep_ms(self._turn())
        asyncio = sys.modules["asyncio"]
        event_loop = asyncio.get_event_loop()
        if not event_loop.get_exception_handler():  # a user's own comes first
            event_loop.set_exception_handler(self._on_task_error)
        del event_loop
        asyncio.run(self._turn_for_ever(asyncio))

    async def _turn_for_ever(self, asyncio):
        while True:
            await asyncio.sleep_ms(self._turn())

    def _turn(self):
        """Do what there is to do; return for how long to wait.

        Units: milliseconds.
        """
        self.watchdog.feed()
        self._receive()
        self._serve()
        if self.sink.reboot_reason:
            from device import ending

            ending.reboot(self)
        if self.sink.sleep_depth:
            self._sleep()
        until_ms = ticks_diff(self.agent.next_wake_at_ms(), self.rtc.now_ms())
        return 0 if self._is_nap else max(1, min(self._poll_ms, until_ms))

    def _start(self):
        sink, agent, now_ms = self.sink, self.agent, self.rtc.now_ms()
        note = self.recorder.note
        cause, text, snapshot = self._boot
        self._boot = None
        if text:
            from device import crash

            sink.note("crashed", crash.readable(text))
            note(KEEP_TRACEBACK, now_ms, len(text))
            agent.keep_traceback(now_ms, text)  # the commit of this boot carries it
            del crash
        self._measure_battery()
        now_ms = self.rtc.now_ms()
        note(START, now_ms)
        agent.start(now_ms, cause, snapshot, sink)
        del text, snapshot
        sink.radio(sink.is_wanted)
        self._status_count = agent.wakes  # each wake prints a status, not each one its health
        if agent.wakes:
            # Before it sleeps again: a window is not to be missed for a line on a console.
            self._status_at_ms = ticks_add(self.rtc.now_ms(), self._status_ms or _STATUS_MS)
        if not self.board.settings.is_provisioned:
            sink.note("unprovisioned", "this board has no name yet: cma provision")
        gc.collect()
        from device import app

        self.application, setup = app.start(self, self._folder)
        del app  # while an application sets itself up, only what stays is there
        if setup:
            now_ms = self.rtc.now_ms()
            note(SET_UP, now_ms)
            if not agent.set_up(now_ms, setup, sink):
                self.application = "failed"

    def _receive(self):
        agent, sink, rtc = self.agent, self.sink, self.rtc
        self._poll_ms = min(2 * self._poll_ms, _POLL_MS_MAX)
        if sink.is_on and self._has_windows:
            self._poll_ms = _POLL_MS_WINDOW
        for index in range(len(sink.links)):
            link = sink.links[index]
            for _ in range(_FRAMES_PER_TURN):
                length = sink.receive(index)
                if not length:
                    break
                self._poll_ms = min(self._poll_ms, _POLL_MS_MIN)
                now_ms, rssi_dbm = rtc.now_ms(), link.rssi_dbm
                self.recorder.note(
                    ON_FRAME, now_ms, index << 8 | -rssi_dbm & 0xFF, link.buffer, length
                )
                agent.on_frame(now_ms, index, link.buffer, length, rssi_dbm, sink)
                self._on_spent(now_ms)

    def _serve(self):
        agent, sink, note = self.agent, self.sink, self.recorder.note
        now_ms = self.rtc.now_ms()
        if self._is_nap or ticks_diff(agent.next_wake_at_ms(), now_ms) <= 0:
            self._is_nap = False
            note(ON_TIME, now_ms)
            agent.on_time(now_ms, sink)
            self._on_spent(now_ms)
        while sink.undelivered:
            sink.undelivered -= 1
            note(ON_UNDELIVERED)
            agent.on_undelivered()
        if sink.traceback:
            text, sink.traceback = sink.traceback, b""
            if agent.keep_traceback(now_ms, text):
                self._keep_crash(text, 0)
            note(KEEP_TRACEBACK, now_ms, len(text))
        if ticks_diff(now_ms, self._status_at_ms) >= 0:
            self._status_at_ms = ticks_add(now_ms, self._status_ms or _STATUS_MS)
            self._measure_battery()
            agent.on_heap(gc.mem_free())
            if self._status_ms:
                self._print_status()
        if self._trial_at_ms is not None and ticks_diff(now_ms, self._trial_at_ms) >= 0:
            self._trial_at_ms = ticks_add(now_ms, self._trial_ms)
            self._judge(True)

    def _judge(self, is_awake):
        from device import trial

        trial.judge(self, is_awake)

    def _on_spent(self, since_ms):
        span_ms = ticks_diff(self.rtc.now_ms(), since_ms)
        if span_ms > 0:  # who replays it takes 0 for granted
            self.recorder.note(ON_SPENT, 0, span_ms)
        self.agent.on_spent(since_ms, span_ms)

    def _measure_battery(self):
        millivolts = self.board.battery_mv()
        self.recorder.note(ON_BATTERY, 0, millivolts)
        self.agent.on_battery(millivolts)

    def _keep_crash(self, text, cause):
        try:
            from device import crash_file

            crash_file.keep(self.rtc.memory, text, cause, self.sink)
        except MemoryError:  # an application holds the heap
            self.sink.untold += 1

    def _sleep(self):
        sink = self.sink
        depth, sink.sleep_depth = sink.sleep_depth, 0
        span_ms = ticks_diff(sink.sleep_until_at_ms, self.rtc.now_ms())
        if span_ms <= 0:
            return
        if sleeping.is_watched():
            if not self._is_kept_awake:
                sink.note("kept awake", "a computer listens on this chip's own USB")
            self._is_kept_awake = True
            return
        if depth == SLEEP_DEEP and self._status_ms and self._status_count == self.agent.wakes:
            self._print_status()
        if depth == SLEEP_DEEP and self._trial_at_ms is not None:
            self._judge(False)
        sleeping.sleep(depth, span_ms, self)
        self._poll_ms = _POLL_MS_MIN
        # A user's task may have ended it early: once that ran, the agent decides to sleep again.
        self._is_nap = True

    def _on_task_error(self, _, context):
        self.sink.app_error("task", context["exception"])

    def _print_status(self):
        try:
            from device import telling

            telling.print_status(self)
            if self._status_count % _STATUS_PER_HEALTH == 0:
                telling.print_health(self)
        except MemoryError:  # an application holds the heap: the agent goes on untold
            self.sink.untold += 1
            sys.stdout.write("\n")  # what was begun is no record, and ends here
        self._status_count += 1
