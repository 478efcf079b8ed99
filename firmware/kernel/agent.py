"""One agent: wires the machines and is the only file that knows them all.

Input    start, set_up, on_frame, on_time, on_battery, on_undelivered, on_spent, hibernate, stop
Effects  those of `effects.Effects`
Bounds   `limits`; a step sends at most OUTBOX_FRAMES_MAX frames, serves each timer of the agent's
         own once and one of the application's
"""

# long: the one place where machines meet; split, each half would have to know the other.

from . import status
from .application import Application
from .codec import frame, messages
from .codec.cbor import CborError
from .errors import (
    CAUSE_DEEP_SLEEP,
    DROP_NOT_STORED,
    EVENT_NAME_TAKEN,
    EVENT_NEIGHBOUR_JOINED,
    EVENT_NEIGHBOUR_LEFT,
    EVENT_RESUMED,
    EVENT_SNAPSHOT_LOST,
    EVENT_STARTED,
    REBOOT_ASKED,
)
from .exchange import Exchange
from .fields import read_word, write_word
from .governor import Governor
from .health import meters, report
from .limits import (
    ANNOUNCE_JITTER_MS,
    ANNOUNCE_MS,
    ANNOUNCE_SOON_MS,
    EXPIRE_MS,
    NEIGHBOUR_SILENT_MS_MAX,
    NEIGHBOURS_MAX,
    PERIOD_MS_MAX,
    STATE_DELAY_MS,
    STATE_RETRY_MS,
    TELEMETRY_MS,
)
from .mesh.neighbours import NOBODY, Neighbours
from .mesh.router import Router
from .mesh.transmitter import Transmitter
from .power.cluster_clock import NO_PHASE
from .power.energy import break_even_ms
from .power.schedule import Schedule
from .recovery.safe_mode import SafeMode
from .state import snapshot
from .state.keeper import Keeper
from .ticks import ticks_add, ticks_diff
from .timers import (
    NONE_DUE,
    TIMER_ANNOUNCE,
    TIMER_EXPIRE,
    TIMER_STATE,
    TIMER_TELEMETRY,
    TIMERS_OWN,
    Timers,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .codec.messages import Envelope
    from .config import Config
    from .effects import Effects
    from .identity import Identity
    from .offers import Offers
    from .ports import Parts
    from .prng import Prng
    from .shapes import Callback, Handler, Remembering, Setup, Table

_SILENT_WINDOWS_MAX = 8  # then a neighbour of the same schedule is forgotten


class Agent:
    """The kernel of one agent; a driver tells it the time and carries out its effects."""

    SNAPSHOT_BYTES = 16
    release = (0, 0, 0)  # its number, the class it is for, how far its trial is
    _reboot_reason = 0
    _offers: "Offers | None" = None  # until the first one is heard
    _out: "Effects"  # that of the last step: a user's own task reports to it too

    def __init__(
        self,
        identity: "Identity",
        rng: "Prng",
        table: "Table",
        parts: "Parts",
        config: "Config",
    ) -> None:
        self.identity = identity
        self.parts = parts
        self.table = table
        self.wakes = 0  # from deep sleep, since the last other boot
        self.uptime_s = 0
        self._uptime_ms = 0  # within the second
        self._now_ms = 0
        self._rng = rng
        self._application_id = config.application_id
        self._has_started = self._is_kept_awake = False
        self._has_radio = True  # in the mode of the step before
        self._awake_until_ms = 0
        self._awake_span_ms = 0  # asked for since the last step
        self._is_asked = False  # for that, for a request, or there is a new mode
        self._has_windows = config.wake_period_ms > 0
        self._may_sleep = self._has_windows
        self.meters = meters.Meters()
        self.neighbours = Neighbours()
        self.governor = Governor(config, self.meters, self.neighbours)
        self.keeper = Keeper(table)
        self.recovery = SafeMode(table)
        self.health = report.Health(table)
        self._timers = Timers(config.wake_period_ms)
        deep_ms = config.deep_sleep_ms or break_even_ms(config.currents_ua)
        self.schedule = Schedule(
            identity.node, rng, config.wake_period_ms, config.listen_ms, deep_ms
        )
        self._join_mesh(config.wake_period_ms)
        self._machines: "list[Remembering]" = [
            self,
            self._timers,
            self.transmitter,
            self.neighbours,
            self.meters,
            self.governor.quotas,
            self.governor.modes,
            self.governor.energy,
            self.recovery,
            self.health,
            self.schedule,
        ]
        self.snapshot_bytes = snapshot.size_bytes(self._machines)

    def _join_mesh(self, period_ms: int) -> None:
        counters, near = self.meters, self.neighbours
        if period_ms:
            # Half of what two instants can be apart, or nobody would ever be silent for so long.
            silent_ms = min(_SILENT_WINDOWS_MAX * period_ms, PERIOD_MS_MAX >> 1)
            near.silent_ms_max = max(NEIGHBOUR_SILENT_MS_MAX, silent_ms)
        self.transmitter = Transmitter(self.identity, self._rng, counters)
        self.router = Router(self.identity, near, self.transmitter, counters, self.governor.quotas)
        self.application = Application(self)
        self.exchange = Exchange(
            self.application.handlers(),
            near,
            self.transmitter,
            self._rng,
            counters,
            self._may_run_handlers,
        )
        handlers = self.router.handlers
        handlers[frame.KIND_MESSAGE] = self.exchange.on_message
        handlers[frame.KIND_REQUEST] = self.exchange.on_request
        handlers[frame.KIND_RESPONSE] = self.exchange.on_response
        handlers[frame.KIND_ANNOUNCE] = self._on_announcement
        handlers[frame.KIND_OFFER] = self._on_offer

    # --- what a driver calls ---

    def start(
        self, now_ms: int, cause: int, remembered: "bytes | bytearray | None", out: "Effects"
    ) -> None:
        """Go on after deep sleep, or count this boot and begin anew; bring the state back.

        Shape: `cause` is one of `errors.CAUSE_…`, `remembered` what RTC memory held.
        """
        from .recovery.boots import load

        load(self.recovery, out)
        resumed = cause == CAUSE_DEEP_SLEEP and snapshot.read_from(
            remembered, self._machines, self.recovery.boots
        )
        if not resumed:
            self._now_ms = now_ms
        self._begin(now_ms, out)
        if resumed:
            self._resume(now_ms, out)
        else:
            if cause == CAUSE_DEEP_SLEEP:
                out.report(EVENT_SNAPSHOT_LOST, 0)
            self._begin_anew(now_ms, cause, out)
        self._load_state(now_ms)
        self.transmitter.introduce(self.recovery.boots)
        self._follow_schedule(now_ms)
        self._has_started = True

    def _resume(self, now_ms: int, out: "Effects") -> None:
        self.wakes += 1
        self.governor.on_battery(self.governor.battery_mv)  # the snapshot took its effect away
        self._apply_mode()
        self.schedule.resume(now_ms, self.governor)
        self.governor.wake(self.schedule.boot_ms)
        if self._has_radio != self.governor.modes.has_radio:
            self._find_others_again(now_ms)
        out.report(EVENT_RESUMED, self.wakes)

    def _begin_anew(self, now_ms: int, cause: int, out: "Effects") -> None:
        from .recovery.boots import boot

        boot(self.recovery, now_ms, cause, self._application_id, out)
        rng, timers = self._rng, self._timers
        timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, rng.below(ANNOUNCE_JITTER_MS)))
        timers.set(TIMER_TELEMETRY, ticks_add(now_ms, rng.below(TELEMETRY_MS)))
        timers.set(TIMER_EXPIRE, ticks_add(now_ms, EXPIRE_MS))
        self.governor.begin(self.schedule.is_open)
        self._apply_mode()
        self.schedule.start(now_ms, self.governor)
        out.report(EVENT_STARTED, self.recovery.boots)

    def set_up(self, now_ms: int, setup: "Setup", out: "Effects") -> bool:
        """Run an application's `setup`; False if it did not, and the agent runs without it.

        It does not if it raises, in safe mode, and while its state cannot be read: what it began
        anew would replace what is only out of reach.
        """
        self._begin(now_ms, out)
        done = not self.recovery.is_safe and not self.keeper.is_lost
        if done:
            try:
                setup(self.application)
            except Exception as error:  # noqa: BLE001 - the boundary to a user's code
                self.exchange.on_error("setup", error)
                done = False
        if not done:
            self._timers.clear_application()
            self.application.handlers().clear()
        self._end(now_ms)
        return done

    def on_frame(  # noqa: PLR0917 - keywords cost a board more, at each frame
        self,
        now_ms: int,
        link: int,
        buffer: "bytes | bytearray",
        length: int,
        rssi_dbm: int,
        out: "Effects",
    ) -> None:
        """Take in a frame that arrived on a link; whatever it holds, it cannot do harm.

        Units: `rssi_dbm` 0 if the link does not measure it.
        """
        self._begin(now_ms, out)
        dropped = self.router.on_frame(now_ms, link, buffer, length, rssi_dbm, out)
        if dropped:
            self.meters.drop(dropped)
        else:
            self.meters.add(meters.RECEIVED)
            if self._has_windows and self.governor.may_listen():
                self.schedule.on_frame(now_ms)
        if self.router.joined:
            self.governor.alarm(EVENT_NEIGHBOUR_JOINED, self.router.joined)
            self._answer_newcomer(now_ms)
        self._end(now_ms)

    def on_time(self, now_ms: int, out: "Effects") -> None:
        """Serve what is due; calling late delays it, calling early only costs energy."""
        self._begin(now_ms, out)
        if self._is_kept_awake and ticks_diff(self._awake_until_ms, now_ms) <= 0:
            self._is_kept_awake = False
        if self._has_radio != self.governor.modes.has_radio:
            self._find_others_again(now_ms)
        if self.schedule.on_time(now_ms, self.governor):
            self._announce_phase(now_ms)
        self._follow_schedule(now_ms)
        self.router.on_time(now_ms)
        self.recovery.on_time(now_ms, out)
        self.exchange.expire(now_ms)
        if self._offers:
            self._offers.on_time(now_ms)
        for _ in range(TIMERS_OWN + 1):
            timer_id = self._timers.take_due(now_ms)
            if timer_id == NONE_DUE:
                break
            if timer_id >= TIMERS_OWN:
                self._serve_application(now_ms, timer_id)
                break
            self._serve(now_ms, timer_id)
        self._end(now_ms)

    def next_wake_at_ms(self) -> int:
        """Return when `on_time` is to be called next."""
        now_ms = self._now_ms
        if self.transmitter.waiting():
            return now_ms
        if self._reboot_reason or self.keeper.state.is_touched:
            return now_ms
        if self._has_radio != self.governor.modes.has_radio:
            return now_ms
        timer_id = self._timers.next(now_ms)
        at_ms = (
            ticks_add(now_ms, EXPIRE_MS) if timer_id == NONE_DUE else self._timers.at_ms(timer_id)
        )
        if self._may_sleep:
            at_ms = _earlier(at_ms, self.schedule.next_at_ms(now_ms), now_ms)
        if self._is_kept_awake:
            at_ms = _earlier(at_ms, self._awake_until_ms, now_ms)
        at_ms = _earlier(at_ms, self.router.next_at_ms(now_ms), now_ms)
        requests = self.exchange.requests
        if requests:
            at_ms = _earlier(at_ms, requests.next_at_ms(now_ms), now_ms)
        if self._offers:
            at_ms = _earlier(at_ms, self._offers.due_at_ms, now_ms)
        return _earlier(at_ms, self.recovery.next_at_ms(), now_ms)

    def on_battery(self, millivolts: int) -> None:
        """Take in the battery's voltage, 0 if there is none to measure.

        Before `start` too: a weak battery should not switch a radio on.
        """
        if self.governor.on_battery(millivolts):
            self._apply_mode()

    def on_undelivered(self) -> None:
        """Take note that a node did not acknowledge a frame for it alone."""
        self.meters.add(meters.UNDELIVERED)

    def on_spent(self, now_ms: int, span_ms: int) -> None:
        """Take note of how long the last step took: the driver has the clock."""
        self.governor.now_ms = now_ms
        self.governor.on_spent(span_ms)

    def on_heap(self, free_bytes: int) -> None:
        """Take note of how much heap is left."""
        self.health.on_heap(free_bytes)

    def keep_traceback(self, now_ms: int, text: bytes) -> bool:
        """Keep what went wrong last, so that it can be told after a reboot; False if not now."""
        kept = self.health.keep_traceback(now_ms, text)
        if kept:
            self.keeper.on_staged()
        return kept

    def hibernate(self, now_ms: int, buffer: bytearray) -> int:
        """Fill the snapshot for a deep sleep; return its length. The agent is not used after it.

        Shape: `buffer` has `snapshot_bytes` or more; if it has just those, nothing is allocated.
        """
        self._begin(now_ms, self._out)
        self._look_at_state()  # a user's task, or a traceback, since the step that asked for sleep
        if self.keeper.is_waiting and self.governor.may_write():
            self._write_state(now_ms)
        self.recovery.before_sleep(now_ms, self._out)
        return snapshot.write_into(buffer, self._machines, self.recovery.boots)

    def stop(self, now_ms: int, out: "Effects") -> None:
        """Commit everything before an orderly end."""
        if not self._has_started:
            return  # nothing is known yet, and what flash knows must stay
        self._begin(now_ms, out)
        self._look_at_state()
        self._write_state(now_ms)
        from .recovery.boots import stop

        stop(self.recovery, out)

    def status(self) -> "dict[str, object]":
        """Return what changes while this agent runs."""
        from .telling import tell_status

        fields: "dict[str, object]" = {}
        tell_status(self, fields.__setitem__)
        return fields

    def report_health(self) -> "dict[str, object]":
        """Return what tells a failing agent from a good one."""
        from .telling import tell_health

        fields: "dict[str, object]" = {}
        tell_health(self, fields.__setitem__)
        return fields

    def uptime_ms(self) -> int:
        """Return for how long this agent has been up, sleep included."""
        return self.uptime_s * 1000 + self._uptime_ms

    @property
    def is_safe_mode(self) -> bool:
        """Whether the application is left out because it crashed too often."""
        return self.recovery.is_safe

    def leave_safe_mode(self, now_ms: int, out: "Effects") -> None:
        """Give the application another try: somebody asked for it."""
        self._begin(now_ms, out)
        from .recovery.boots import leave

        leave(self.recovery, out)
        self.reboot()
        self._end(now_ms)

    # --- what the application calls, through `application` ---

    def add_timer(self, period_ms: int, callback: "Callback") -> None:
        """Call an application's function each `period_ms`."""
        self._timers.every(self._now_ms, period_ms, callback)

    def app_event(self, name: str, value: object) -> None:
        """Hand on what the application reports."""
        self._out.app_event(name, value)

    def publish(self, topic: str, value: object, to: str) -> bool:
        """Send a value, if the budgets allow it."""
        allowed = self.governor.can_say(frame.KIND_MESSAGE)
        return allowed and self.exchange.publish(topic, value, to)

    def request(
        self, topic: str, value: object, to: str, then: "Handler", deadline_ms: int
    ) -> bool:
        """Ask another agent, if the budgets allow it."""
        if not self.governor.can_say(frame.KIND_REQUEST):
            return False
        self._is_asked = True
        return self.exchange.request(self._now_ms, topic, value, to, then, deadline_ms)

    def stay_awake(self, span_ms: int) -> None:
        """Do not sleep before that span has passed."""
        self._awake_span_ms = max(self._awake_span_ms, min(span_ms, PERIOD_MS_MAX))
        self._is_asked = True

    def reboot(self, reason: int = REBOOT_ASKED) -> None:
        """Start anew at the end of this step."""
        self._reboot_reason = reason

    # --- steps ---

    def _begin(self, now_ms: int, out: "Effects") -> None:
        if now_ms != self._now_ms:
            self._pass_time(now_ms)
        self._out = self.exchange.out = self.governor.out = out
        self.governor.now_ms = now_ms
        self.exchange.has_run = False
        if self._is_asked:
            self._settle(now_ms)

    def _settle(self, now_ms: int) -> None:
        # What was asked for between two steps begins with the second: only then is it known when.
        self._is_asked = False
        if self.governor.is_mode_new:
            self.governor.report()
        if self.exchange.requests:
            self.exchange.requests.begin(now_ms)
        if self._awake_span_ms:
            self._awake_until_ms = ticks_add(now_ms, self._awake_span_ms)
            self._is_kept_awake = True
            self._awake_span_ms = 0

    def _pass_time(self, now_ms: int) -> None:
        self._uptime_ms += max(0, ticks_diff(now_ms, self._now_ms))
        self.uptime_s += self._uptime_ms // 1000
        self._uptime_ms %= 1000
        self._now_ms = now_ms

    def _end(self, now_ms: int) -> None:
        # State first: what others are told must not be forgotten by the one who told them.
        state = self.keeper.state
        if self.keeper.is_waiting or state.is_touched or (state.lent and self.exchange.has_run):
            self._end_with_state(now_ms)
        if self._is_asked:
            self._settle(now_ms)
        sent = self.transmitter.flush(self.governor)
        if sent and self._has_windows:
            self.schedule.on_sent(now_ms, sent)
        if self._reboot_reason:
            reason, self._reboot_reason = self._reboot_reason, 0
            self.stop(now_ms, self._out)
            self._out.reboot(reason)
        elif self._may_sleep:
            self._sleep(now_ms)

    def _end_with_state(self, now_ms: int) -> None:
        self._look_at_state()
        keeper = self.keeper
        if keeper.is_blocked and not keeper.has_failed:
            self._write_state(now_ms)
        if keeper.is_blocked:
            self.transmitter.drop_application(DROP_NOT_STORED)
        if keeper.is_waiting and not self._timers.is_set(TIMER_STATE):
            # A sleeping agent does not wake each second for a flash that fails.
            is_patient = keeper.has_failed and self._has_windows
            delay_ms = STATE_RETRY_MS if is_patient else STATE_DELAY_MS
            self._timers.set(TIMER_STATE, ticks_add(now_ms, delay_ms))

    def _sleep(self, now_ms: int) -> None:
        if self._is_kept_awake or (self.schedule.is_open and not self.keeper.is_waiting):
            return
        due_id = self._timers.next(now_ms)
        has_due = due_id != NONE_DUE
        due_at_ms = ticks_add(now_ms, PERIOD_MS_MAX)
        if due_id != NONE_DUE:
            due_at_ms = self._timers.at_ms(due_id)
        requests = self.exchange.requests
        is_owed = requests is not None and requests.count > 0
        if requests and is_owed:
            has_due = True
            due_at_ms = _earlier(due_at_ms, requests.next_at_ms(now_ms), now_ms)
        if has_due and ticks_diff(due_at_ms, now_ms) <= 0:
            return
        if self.keeper.is_waiting and self.governor.may_write():
            self._write_state(now_ms)
        # A flash that fails is waited for in deep sleep, too: lightly, the battery would be next.
        keeper = self.keeper
        is_kept = keeper.has_failed or not keeper.is_waiting
        can_be_deep = is_kept and not (is_owed or self.transmitter.held())
        self.schedule.sleep(now_ms, due_at_ms, has_due, can_be_deep, self.governor)

    def _look_at_state(self) -> None:
        while True:
            try:
                self.keeper.look()
                return
            except CborError as error:  # that value is what it was: the others are looked at now
                self.exchange.on_error("agent.state", error)

    def _write_state(self, now_ms: int) -> None:
        self._timers.unset(TIMER_STATE)
        self.governor.on_written(self.keeper.write(self._out))

    def _may_run_handlers(self) -> bool:
        # What others send must not spend more flash or time than an hour has; an application's
        # own timers may go into debt with the flash, and then it is others who wait.
        return self.governor.may_run(self.keeper.state.has_critical())

    def _apply_mode(self) -> None:
        modes = self.governor.modes
        self._is_asked = True
        self._may_sleep = self._has_windows or not modes.has_radio
        self._timers.has_application = modes.has_timers
        self.schedule.set_mode(modes.period_factor, modes.has_radio, modes.has_search)

    def _find_others_again(self, now_ms: int) -> None:
        # After a battery was empty for days, what was known of the others' instants is void.
        self._has_radio = self.governor.modes.has_radio
        if self._has_radio:
            self.schedule.start(now_ms, self.governor)

    def _follow_schedule(self, now_ms: int) -> None:
        schedule = self.schedule
        self._timers.is_window_open = schedule.is_open
        self.transmitter.is_open = schedule.may_speak and self.governor.modes.has_radio

    # --- what is due ---

    def _serve(self, now_ms: int, timer_id: int) -> None:
        if timer_id == TIMER_ANNOUNCE:
            self._announce(now_ms)
        elif timer_id == TIMER_TELEMETRY:
            self._report_telemetry(now_ms)
        elif timer_id == TIMER_EXPIRE:
            self._expire(now_ms)
        else:
            self._write_state_in_time(now_ms)

    def _serve_application(self, now_ms: int, timer_id: int) -> None:
        self.meters.add(meters.TIMERS_MISSED, self._timers.repeat(timer_id, now_ms))
        if self.governor.may_run(writes=False):
            self.exchange.call(self._timers.callback(timer_id))
        else:
            self.meters.add(meters.TIMERS_MISSED)

    def _load_state(self, now_ms: int) -> None:
        keeper = self.keeper
        was_lost = keeper.is_lost
        keeper.load(self._out)
        if keeper.is_lost:
            self._timers.set(TIMER_STATE, ticks_add(now_ms, STATE_RETRY_MS))
        elif was_lost:
            self.reboot()  # with its state, the application can run

    def _write_state_in_time(self, now_ms: int) -> None:
        if self.keeper.is_lost:
            self._load_state(now_ms)
        elif self.keeper.is_waiting and self.governor.may_write():
            self._write_state(now_ms)
        # Else the hour has no flash left; the end of the step asks again in a while.

    def _announce(self, now_ms: int) -> None:
        span_ms = ANNOUNCE_MS - ANNOUNCE_JITTER_MS + self._rng.below(2 * ANNOUNCE_JITTER_MS)
        self._timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, span_ms))
        schedule = self.schedule
        if not schedule.clock.period_ms or schedule.phase_ms(now_ms) == NO_PHASE:
            self.transmitter.announce()  # else each window has one

    def _announce_phase(self, now_ms: int) -> None:
        schedule = self.schedule
        clock, phase_ms = schedule.clock, schedule.phase_ms(now_ms)
        self.transmitter.announce(clock.period_ms, phase_ms, clock.leader)

    def _report_telemetry(self, now_ms: int) -> None:
        self._timers.set(TIMER_TELEMETRY, ticks_add(now_ms, TELEMETRY_MS))
        self.transmitter.telemetry(status.figures(self))

    def _expire(self, now_ms: int) -> None:
        self.governor.settle(self.schedule.is_open)
        self._timers.set(TIMER_EXPIRE, ticks_add(now_ms, EXPIRE_MS))
        for _ in range(NEIGHBOURS_MAX):
            node = self.neighbours.expire(now_ms)
            if not node:
                return
            self.governor.alarm(EVENT_NEIGHBOUR_LEFT, node)

    # --- neighbours ---

    def _answer_newcomer(self, now_ms: int) -> None:
        # A crowd larger than the table joins and is forgotten all the time: no haste then.
        soon_ms = ANNOUNCE_SOON_MS // 2 + self._rng.below(ANNOUNCE_SOON_MS // 2)
        left_ms = ticks_diff(self._timers.at_ms(TIMER_ANNOUNCE), now_ms)
        if left_ms > soon_ms and self.neighbours.count < NEIGHBOURS_MAX:
            self._timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, soon_ms))

    def _on_announcement(self, now_ms: int, envelope: "Envelope") -> int:
        name, _, period_ms, phase_ms, leader = messages.read_announcement(envelope.payload())
        holder = self.neighbours.find_name(name)
        if name == self.identity.name or holder not in (NOBODY, envelope.row):
            # Who held it first keeps it while it is heard: what is meant for one goes to no other.
            self.governor.alarm(EVENT_NAME_TAKEN, envelope.source)
        if holder == NOBODY:
            self.neighbours.introduce(envelope.row, name)
        if period_ms and self.schedule.on_neighbour_phase(
            now_ms, envelope.source, period_ms, phase_ms, leader
        ):
            self._follow_schedule(now_ms)
            self._announce_phase(now_ms)
        return 0

    def _on_offer(self, now_ms: int, envelope: "Envelope") -> int:
        if not self._offers:
            from .offers import Offers

            self._offers = Offers(self, self._rng)
        return self._offers.on_offer(now_ms, envelope)

    # --- the snapshot ---

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what this file itself has to remember."""
        has_radio = 1 if self._has_radio else 0
        for value in (self.wakes, self.uptime_s, self._uptime_ms << 1 | has_radio, self._now_ms):
            offset = write_word(buffer, offset, value)
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        self.wakes = read_word(buffer, offset)
        self.uptime_s = read_word(buffer, offset + 4)
        self._uptime_ms = read_word(buffer, offset + 8) >> 1
        self._has_radio = read_word(buffer, offset + 8) & 1 == 1
        self._now_ms = read_word(buffer, offset + 12)  # when it fell asleep
        return offset + self.SNAPSHOT_BYTES


def _earlier(at_ms: int, other_ms: int, now_ms: int) -> int:
    # The second may be -1: never.
    if other_ms >= 0 and ticks_diff(other_ms, now_ms) < ticks_diff(at_ms, now_ms):
        return other_ms
    return at_ms
