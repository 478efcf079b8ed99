"""The one task that turns an agent: receive, step, carry out effects, sleep.

A user's own asyncio tasks live beside it. Nothing here waits: a link that has nothing says so.
"""

import asyncio
import gc
import os

from device import app, crash, sleeping
from device.flash import open_flash
from device.rtc import Rtc
from device.sink import Sink
from device.watchdog import DEFAULT_MS, Watchdog
from kernel.agent import Agent
from kernel.codec.frame import node_id
from kernel.effects import SLEEP_DEEP
from kernel.errors import CAUSE_DEEP_SLEEP
from kernel.identity import Identity
from kernel.ports import Table
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
_FOLDER = "/user"  # where an application lies that is not the image's
_STATUS_MS = 5_000
_STATUS_PER_HEALTH = 12  # status records, the first one included


class Loop:
    """Compose the agent of a board and run it."""

    def __init__(self, board):
        settings = board.settings
        self._board = board
        self.rtc = Rtc()
        self.sink = Sink(board)
        self.sink.open_links()
        self.cause = crash.cause(self.rtc.recovery)
        self._text = crash.take(self.rtc.recovery)
        self._snapshot = self.rtc.take_snapshot()  # and what `crash` noted is kept with it
        self._journal = None
        if self.cause != CAUSE_DEEP_SLEEP:  # it was compared at the boot before
            settings.config.application_id = app.fingerprint(_FOLDER)
        identity = Identity(settings.name, node_id(board.mac), settings.network, settings.board)
        rng = Prng(int.from_bytes(os.urandom(4), "big"))
        self.agent = Agent(identity, rng, self._open_table(), board.parts, settings.config)
        self.watchdog = Watchdog(settings.whole("watchdog_ms", DEFAULT_MS))
        self._status_ms = settings.whole("status_ms", _STATUS_MS)
        self._status_at_ms = self.rtc.now_ms()
        self._status_count = 0
        self._poll_ms = _POLL_MS_MIN
        self._application = app.MISSING
        self.is_first_sleep = self.cause != CAUSE_DEEP_SLEEP
        self._is_kept_awake = False
        self._is_nap = False

    def _open_table(self):
        flash = open_flash()
        if flash is None:
            self.sink.note("no state partition", "nothing outlives a power loss; run: cma flash")
            return Table()
        self._journal = Journal(flash)
        self._journal.recover(self.cause == CAUSE_DEEP_SLEEP and self._snapshot is not None)
        return JournalTable(self._journal)

    def run(self, folder):
        """Run the agent with the application of a folder, or the image's.

        Raises: KeyboardInterrupt when Ctrl-C is pressed, and whatever the kernel itself raises.
        """
        asyncio.run(self._main(folder))

    def stop(self):
        """End in order: commit everything; the next boot is no crash."""
        self.agent.stop(self.rtc.now_ms(), self.sink)
        crash.mark_orderly(self.rtc.recovery)
        self.rtc.save()

    def close(self):
        """Let go of the links and forget the tasks, however the loop ended."""
        self.sink.radio(False)
        asyncio.new_event_loop()

    async def _main(self, folder):
        asyncio.get_event_loop().set_exception_handler(self._on_task_error)
        self._start()
        self._load(folder)
        while True:
            self.watchdog.feed()
            self._receive()
            self._serve()
            if self.sink.reboot_reason:
                sleeping.reboot(self)
            if self.sink.sleep_depth:
                self._sleep()
            until_ms = ticks_diff(self.agent.next_wake_at_ms(), self.rtc.now_ms())
            await asyncio.sleep_ms(0 if self._is_nap else max(1, min(self._poll_ms, until_ms)))

    def _start(self):
        sink, agent, rtc = self.sink, self.agent, self.rtc
        if self._text:
            # Its beginning is cut off, perhaps within a character.
            text = "".join([chr(byte) if byte < 128 else "?" for byte in self._text])
            sink.note("crashed", text)
            agent.keep_traceback(rtc.now_ms(), self._text)  # the commit of this boot carries it
        agent.on_battery(self._board.battery_mv())
        agent.start(rtc.now_ms(), self.cause, self._snapshot, sink)
        self._snapshot = self._text = None
        sink.radio(sink.is_wanted)
        self._status_count = agent.wakes  # each wake prints a status, not each one its health
        if agent.wakes:
            # Before it sleeps again: a window is not to be missed for a line on a console.
            self._status_at_ms = ticks_add(rtc.now_ms(), self._status_ms or _STATUS_MS)
        if not self._board.settings.is_provisioned:
            sink.note("unprovisioned", "this board has no name yet: cma provision")

    def _load(self, folder):
        agent, sink = self.agent, self.sink
        if agent.is_safe_mode:
            sink.note("safe mode", crash.SAFE_MODE_SAYS)
            self._application = "safe mode"
            return
        if not app.is_plain_program(folder):  # whose import may never end
            self.watchdog.feed()
        self._application, setup = app.load(folder, sink)
        if setup is not None and not agent.set_up(self.rtc.now_ms(), setup, sink):
            self._application = app.FAILED

    def _receive(self):
        agent, sink, rtc = self.agent, self.sink, self.rtc
        self._poll_ms = min(2 * self._poll_ms, _POLL_MS_MAX)
        if sink.is_on and self._board.settings.config.wake_period_ms:
            self._poll_ms = _POLL_MS_WINDOW
        for index in range(len(sink.links)):
            link = sink.links[index]
            for _ in range(_FRAMES_PER_TURN):
                length = sink.receive(index)
                if not length:
                    break
                self._poll_ms = min(self._poll_ms, _POLL_MS_MIN)
                now_ms = rtc.now_ms()
                agent.on_frame(now_ms, index, link.buffer, length, link.rssi_dbm, sink)
                agent.on_spent(now_ms, ticks_diff(rtc.now_ms(), now_ms))

    def _serve(self):
        agent, sink, rtc = self.agent, self.sink, self.rtc
        now_ms = rtc.now_ms()
        if self._is_nap or ticks_diff(agent.next_wake_at_ms(), now_ms) <= 0:
            self._is_nap = False
            agent.on_time(now_ms, sink)
            agent.on_spent(now_ms, ticks_diff(rtc.now_ms(), now_ms))
        while sink.undelivered:
            sink.undelivered -= 1
            agent.on_undelivered()
        if sink.traceback:
            agent.keep_traceback(now_ms, sink.traceback)
            sink.traceback = b""
        if ticks_diff(now_ms, self._status_at_ms) >= 0:
            self._status_at_ms = ticks_add(now_ms, self._status_ms or _STATUS_MS)
            agent.on_battery(self._board.battery_mv())
            agent.on_heap(gc.mem_free())
            if self._status_ms:
                self._print_status()

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
        sleeping.sleep(depth, span_ms, self)
        self._poll_ms = _POLL_MS_MIN
        # A user's task may have ended it early: once that ran, the agent decides to sleep again.
        self._is_nap = True

    def _on_task_error(self, _, context):
        self.sink.app_error("task", context["exception"])

    def _print_status(self):
        fields = self.agent.status()
        fields["app"] = self._application
        fields["links"] = [link.name for link in self.sink.links]
        self.sink.record("status", fields)
        if self._status_count % _STATUS_PER_HEALTH == 0:
            fields, journal = self.agent.report_health(), self._journal
            if journal:
                fields["store"] = [journal.damaged, journal.torn, journal.bad_sectors]
            self.sink.record("health", fields)
        self._status_count += 1
