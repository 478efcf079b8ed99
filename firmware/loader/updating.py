"""The board as an updater: nothing runs here but the fetching and handing on of a release.

It is asked for by an agent that was offered one, it listens for a moment after each boot that
nobody announced, and it is all there is where no slot is good: then it listens, sleeps, and
listens again, until a release is here or somebody comes with a cable.
"""

import gc
import io
import json
import os
import sys
import time

import deflate
import machine
from loader import mark
from loader.looking import board_classes, open_installation
from loader.places import mpy_format, open_runtime

from device import knock
from device.board import Board
from device.flash import open_flash
from device.link_espnow import EspnowLink
from device.links import open_links
from device.watchdog import DEFAULT_MS, Watchdog
from kernel.codec.frame import node_id
from kernel.effects import LINK_ALL
from kernel.identity import Identity
from kernel.prng import Prng
from kernel.release import layout
from kernel.release.budget import COLLECT_BYTES, DAY_UAH, SESSION_UAH, Budget
from kernel.release.installation import RECOVERY
from kernel.release.manifest import Board as Kind
from kernel.release.refusals import REFUSED_MICROPYTHON
from kernel.release.slots import COST_ORDERLY
from kernel.release.update import Update
from kernel.release.updater import DONE_WHOLE, Updater
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from kernel.ticks import ticks_diff

_POLL_MS = 2
_WIFI_MS, _WAIT_MS = 10_000, 100
_FRAMES_PER_TURN = 16
_WINDOW_BITS = 12  # of DEFLATE: 4 KiB
_TICKS_MASK = (1 << 29) - 1
_PAUSE_MS_MIN = 10_000  # between two sessions where no slot is good, doubled with each
_DOUBLINGS_MAX = 5
_NEEDS_CABLE = "no release can be started; by a cable: cma flash"


def run(installation):
    """Run a session; then start anew, or sleep and listen again if nothing here can run.

    Shape: `installation` is booted, or None if it could not be looked at.
    Raises: SystemExit, a soft reset, if a slot is good and nothing newer came.
    """
    gc.threshold(COLLECT_BYTES)
    station = Station()
    try:
        if installation is None:
            installation = open_installation()
            installation.boot(COST_ORDERLY)
        is_lost = installation.running == RECOVERY
        if is_lost:
            station.tell("recovery", _NEEDS_CABLE)
        if installation.trust is None:
            if not is_lost:
                raise SystemExit
            station.watchdog.keep_fed()
            return  # nobody could vouch for a release: the prompt is left
        outcome = _session(station, installation)
        if station.runtime and _start_micropython(station, outcome, is_lost):
            machine.reset()
        # A cut may have come between a whole release and its trial: it waits to be tried.
        is_due = outcome == DONE_WHOLE or is_lost
        if is_due and _start(installation):
            station.tell("release whole", "tried from now on")
            machine.reset()
        if not is_lost:
            if installation.is_revoked:
                machine.reset()
            _note_watchdog()
            raise SystemExit
        station.sleep()
    except KeyboardInterrupt:
        station.radio(False)
        station.watchdog.keep_fed()
        print("cma: updater stopped; Ctrl-D starts again")


def _session(station, installation):
    """Run a session; one that fails ends as if nothing was offered, and what is good here runs."""
    try:
        return station.run_session(installation)
    except Exception as error:  # noqa: BLE001 - no mistake here keeps an agent from its turn
        sys.print_exception(error)
        return 0
    finally:
        station.radio(False)
        if installation.is_revoked:
            # Its slot is being written over: no soft reset is to take the mark's word for it.
            machine.RTC().memory(b"")


def _start_micropython(station, outcome, is_lost):
    """Have a MicroPython that is whole tried at the next boot; tell whether one is.

    Where nothing else runs, who brought a whole release is healthy: there is no agent to judge.
    """
    runtime = station.runtime
    try:
        if is_lost and outcome == DONE_WHOLE and runtime.is_on_trial:
            runtime.confirm()
        if station.has_micropython and runtime.start():
            station.tell("micropython whole", "tried from now on")
            return True
    except OSError as error:
        print("cma: MicroPython cannot be tried: %s" % error)
    return False


def _start(installation):
    """Have what is whole tried at the next boot; tell whether anything is."""
    try:
        return Update(installation).start(_state_table())
    except (OSError, ValueError) as error:
        print("cma: the release cannot be tried: %s" % error)
        return False


class Station:
    """The hardware that a session needs; the effects of `kernel.shapes.UpdateEffects`."""

    def __init__(self):
        self._board = board = Board()
        self.watchdog = Watchdog(board.settings.whole("watchdog_ms", DEFAULT_MS))
        self.links = []
        self.outcome = 0
        self.runtime = None
        self.has_micropython = False  # whole, to be tried
        open_links(self, board, EspnowLink)

    def run_session(self, installation):
        """Listen, fetch, hand on; return how it ended."""
        board = self._board
        kind = Kind(
            board_classes(), layout.image_bytes(installation.flash.sector_count), mpy_format()
        )
        kind.battery_mv = board.battery_mv()
        self.runtime = runtime = open_runtime(installation)
        if runtime:
            kind.runtime = runtime.runs
        settings = board.settings
        budget = Budget(
            installation.table,
            settings.config.currents_ua,
            settings.whole("update_uah_per_session", SESSION_UAH),
            settings.whole("update_uah_per_day", DAY_UAH),
        )
        now_s = int(time.time())
        installation.read_clock(now_s)
        if not budget.begin(now_s, installation.running != RECOVERY):
            self.tell("not updating", "the day's charge is used up")
            return 0
        identity = Identity(settings.name, node_id(board.mac), settings.network, settings.board)
        prng = Prng(int.from_bytes(os.urandom(4), "big"))
        updater = Updater(identity, prng, installation, kind, _inflate, budget)
        self.tell("updating")
        budget.start(_now_ms())
        try:
            self.radio(True)
            self._await_wifi()
            self._run(updater)
            # One trial at a time: what goes wrong is one's fault then.
            if runtime and updater.reason == REFUSED_MICROPYTHON and installation.trial() < 0:
                from kernel.release.runtime_updater import RuntimeUpdater

                self._run(RuntimeUpdater(updater, prng, runtime, _inflate))
                self.has_micropython = self.outcome == DONE_WHOLE
                if kind.runtime == runtime.runs:
                    return 0
                kind.runtime = runtime.runs  # it was here: it came by cable
                self._run(Updater(identity, prng, installation, kind, _inflate, budget))
            return self.outcome
        finally:
            if not self.outcome:  # however it ended, what it did not take is given back
                budget.end(_now_ms(), updater.target_sequence())

    def _run(self, updater):
        """Run a session until it ends, or only MicroPython can go on."""
        self.outcome = 0
        updater.start(_now_ms(), self)
        while not self.outcome:
            self.watchdog.feed()
            self._receive(updater)
            if ticks_diff(updater.next_wake_at_ms(), _now_ms()) <= 0:
                updater.on_time(_now_ms(), self)
            if updater.reason == REFUSED_MICROPYTHON:
                break
            time.sleep_ms(_POLL_MS)
        self.tell("updated", self.outcome)

    def _await_wifi(self):
        """Give an access point time: who offers a release answers what is said first."""
        board = self._board
        for _ in range(_WIFI_MS // _WAIT_MS if board.settings.wifi_ssid else 0):
            if board.wlan.isconnected():
                break
            self.watchdog.feed()
            time.sleep_ms(_WAIT_MS)

    def _receive(self, updater):
        for index in range(len(self.links)):
            link = self.links[index]
            for _ in range(_FRAMES_PER_TURN):
                try:
                    length = link.receive()
                except (OSError, ValueError):  # its buffer overran
                    break
                if not length:
                    break
                updater.on_frame(_now_ms(), index, link.buffer, length, link.rssi_dbm, self)

    def send(self, link, buffer, length):
        """Transmit on one link or on all."""
        for index in range(len(self.links)):
            if link in (LINK_ALL, index):
                try:
                    self.links[index].send(buffer, length)
                except OSError:  # its queue is full: whoever lacks it asks again
                    pass

    def done(self, outcome):
        """Note how the session ended."""
        self.outcome = outcome

    def radio(self, is_on):
        """Power the radio and start every link, or stop them all."""
        if is_on:
            self._board.switch_radio(True)
        for link in self.links:
            try:
                link.switch(is_on)
            except OSError as error:
                self.complain(link, error)
        if not is_on:
            self._board.switch_radio(False)

    def complain(self, link, error):
        """Say what a link, or its class, could not do."""
        self.tell("link failed", "%s: %s" % (link.name, error))

    def tell(self, event, value=""):
        """Print an event as the agent does."""
        name = self._board.settings.name
        fields = {"kind": "event", "name": name, "event": event, "value": value}
        sys.stdout.write("\x1e" + json.dumps(fields) + "\n")

    def sleep(self):
        """Sleep until the next session, longer each time; a look at the console comes before.

        Raises: KeyboardInterrupt if somebody knocks.
        """
        rtc = machine.RTC()
        kept = rtc.memory()
        count = kept[0] if len(kept) == 1 else 0
        rtc.memory(bytes((min(count + 1, _DOUBLINGS_MAX),)))
        span_ms = _PAUSE_MS_MIN << min(count, _DOUBLINGS_MAX)
        self.tell("asleep", span_ms)
        knock.before_deep_sleep(not count)
        machine.deepsleep(span_ms)


def _note_watchdog():
    rtc = machine.RTC()
    found = mark.read(rtc.memory())
    if found is not None:
        bits, starts = found[:2]
        rtc.memory(mark.write(rtc.memory(), (bits, starts | mark.WATCHED) + found[2:]))


def _now_ms():
    return time.ticks_ms() & _TICKS_MASK


def _inflate(data, size):
    """Return what raw DEFLATE unpacks to.

    Raises: ValueError for what is none.
    """
    try:
        return deflate.DeflateIO(io.BytesIO(data), deflate.RAW, _WINDOW_BITS).read(size)
    except (OSError, EOFError):
        raise ValueError


def _state_table():
    """Return what the agent keeps, None if it cannot be read."""
    flash = open_flash("state")
    if flash is None:
        return None
    journal = Journal(flash)
    journal.recover()
    return JournalTable(journal)
