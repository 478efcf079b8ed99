"""One agent: wires the machines and is the only file that knows them all.

Input    start(now, out), set_up(now, setup, out), on_frame(now, link, buffer, length, out),
         on_time(now, out), on_battery(mv), on_undelivered()
Effects  those of `effects.Effects`
Bounds   `limits`; a step sends at most OUTBOX_FRAMES_MAX frames and serves each timer once
"""

# long: the one place where machines meet; split, each half would have to know the other.

from .application import Application, Message
from .codec import frame, messages
from .codec.cbor import CborError
from .effects import LINK_ALL, Effects
from .errors import (
    EVENT_NAME_TAKEN,
    EVENT_NEIGHBOUR_JOINED,
    EVENT_NEIGHBOUR_LEFT,
    EVENT_STARTED,
)
from .health import meters
from .identity import Identity
from .limits import (
    ANNOUNCE_JITTER_MS,
    ANNOUNCE_MS,
    ANNOUNCE_SOON_MS,
    EXPIRE_MS,
    HEADER_BYTES,
    NEIGHBOURS_MAX,
    PING_BYTES_MAX,
    TELEMETRY_MS,
)
from .mesh.neighbours import NOBODY, Neighbours
from .ports import Parts, Store
from .prng import Prng
from .state.keeper import Keeper
from .ticks import ticks_add, ticks_diff
from .timers import (
    NONE_DUE,
    TIMER_ANNOUNCE,
    TIMER_EXPIRE,
    TIMER_TELEMETRY,
    Timers,
)
from .transmitter import Transmitter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import Callback, Setup


class Agent:
    """The kernel of one agent; a driver tells it the time and carries out its effects."""

    def __init__(self, identity: Identity, rng: Prng, store: Store, parts: Parts) -> None:
        self.identity = identity
        self.parts = parts
        self.keeper = Keeper(store)
        self.meters = meters.Meters()
        self.neighbours = Neighbours()
        self.transmitter = Transmitter(identity, rng, self.meters)
        self.application = Application(self)
        self._rng = rng
        self._timers = Timers()
        self._header = frame.Header()
        self._figures = [0] * messages.TELEMETRY_FIGURES
        self._out = Effects()  # that of the last step: a user's own task reports to it too
        self._now_ms = 0
        self._uptime_s = 0
        self._uptime_ms = 0  # within the second
        self._battery_mv = 0

    # --- what a driver calls ---

    def start(self, now_ms: int, out: Effects) -> None:
        """Count this boot, bring the state back, and begin to announce."""
        self._now_ms = now_ms
        self._out = out
        self.keeper.load(out)
        self.transmitter.introduce(self.keeper.boots)
        rng, timers = self._rng, self._timers
        timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, rng.below(ANNOUNCE_JITTER_MS)))
        timers.set(TIMER_TELEMETRY, ticks_add(now_ms, rng.below(TELEMETRY_MS)))
        timers.set(TIMER_EXPIRE, ticks_add(now_ms, EXPIRE_MS))
        out.report(EVENT_STARTED, self.keeper.boots)

    def set_up(self, now_ms: int, setup: "Setup", out: Effects) -> bool:
        """Run an application's `setup`; False if it raised, and then the agent runs without it."""
        self._begin(now_ms, out)
        done = True
        try:
            setup(self.application)
        except Exception as error:  # noqa: BLE001 - the boundary to a user's code
            self._on_app_error("setup", error)
            self._timers.clear_application()
            self.application.handlers().clear()
            done = False
        self._end()
        return done

    def on_frame(
        self, now_ms: int, link: int, buffer: "bytes | bytearray", length: int, out: Effects
    ) -> None:
        """Take in a frame that arrived on a link; whatever it holds, it cannot do harm."""
        self._begin(now_ms, out)
        dropped = self._judge(now_ms, link, buffer, length)
        if not dropped:
            try:
                self._handle(memoryview(buffer)[HEADER_BYTES:length])
                self.meters.add(meters.RECEIVED)
            except CborError:
                dropped = meters.DROPPED_MALFORMED
        if dropped:
            self.meters.add(dropped)
        self._end()

    def on_time(self, now_ms: int, out: Effects) -> None:
        """Serve what is due; calling late delays it, calling early only costs energy."""
        self._begin(now_ms, out)
        for _ in range(self._timers.count):
            timer_id = self._timers.take_due(now_ms)
            if timer_id == NONE_DUE:
                break
            if timer_id == TIMER_ANNOUNCE:
                self._announce(now_ms)
            elif timer_id == TIMER_TELEMETRY:
                self._report_telemetry(now_ms)
            elif timer_id == TIMER_EXPIRE:
                self._expire(now_ms)
            else:
                self._serve_application(now_ms, timer_id)
        self._end()

    def next_wake_at_ms(self) -> int:
        """Return when `on_time` is to be called next."""
        timer_id = self._timers.next(self._now_ms)
        if self.transmitter.waiting() or timer_id == NONE_DUE:
            return self._now_ms
        return self._timers.at_ms(timer_id)

    def on_battery(self, millivolts: int) -> None:
        """Take note of the battery's voltage, which telemetry reports."""
        self._battery_mv = millivolts

    def on_undelivered(self) -> None:
        """Take note that the neighbour did not acknowledge a frame for it alone."""
        self.meters.add(meters.UNDELIVERED)

    def status(self) -> "dict[str, object]":
        """Return what a person wants to know about this agent."""
        counts = self.meters.counts
        return {
            "name": self.identity.name,
            "board": self.identity.board,
            "uptime_ms": self._uptime_s * 1000 + self._uptime_ms,
            "boots": self.keeper.boots,
            "neighbours": self.neighbours.count,
            "sent": counts[meters.SENT],
            "received": counts[meters.RECEIVED],
            "lost": self.neighbours.lost,
            "battery_mv": self._battery_mv,
            "app_errors": counts[meters.APP_ERRORS],
            "timers_missed": counts[meters.TIMERS_MISSED],
            "undelivered": counts[meters.UNDELIVERED],
            "dropped": self.meters.dropped(),
        }

    # --- what the application calls, through `application` ---

    def add_timer(self, period_ms: int, callback: "Callback") -> None:
        """Call an application's function each `period_ms`."""
        self._timers.every(self._now_ms, period_ms, callback)

    def app_event(self, name: str, value: object) -> None:
        """Hand on what the application reports."""
        self._out.app_event(name, value)

    def publish(self, topic: str, value: object, to: str) -> bool:
        """Hand a message to the transmitter."""
        if not to:
            return self.transmitter.message(topic, value, frame.BROADCAST, LINK_ALL)
        row = self.neighbours.find_name(to)
        if row == NOBODY:
            self.meters.add(meters.DROPPED_NO_SUCH_NEIGHBOUR)
            return False
        target, link = self.neighbours.ids[row], self.neighbours.links[row]
        return self.transmitter.message(topic, value, target, link)

    # --- steps ---

    def _begin(self, now_ms: int, out: Effects) -> None:
        self._uptime_ms += max(0, ticks_diff(now_ms, self._now_ms))
        self._uptime_s += self._uptime_ms // 1000
        self._uptime_ms %= 1000
        self._now_ms = now_ms
        self._out = out

    def _end(self) -> None:
        # State first: what others are told must not be forgotten by the one who told them.
        try:
            self.keeper.save_changes(self._out)
        except CborError as error:
            self._on_app_error("agent.state", error)
        self.transmitter.flush(self._out)

    def _judge(self, now_ms: int, link: int, buffer: "bytes | bytearray", length: int) -> int:
        header, identity = self._header, self.identity
        if not header.read(buffer, length):
            return meters.DROPPED_MALFORMED
        if header.network != identity.network:
            return meters.DROPPED_FOREIGN
        if header.source == identity.node:
            return meters.DROPPED_ECHO
        is_broadcast = header.target == frame.BROADCAST
        if not is_broadcast and header.target != identity.node:
            return meters.DROPPED_OTHER_TARGET
        if self.neighbours.find(header.source) == NOBODY:
            self._on_joined(now_ms, header.source)
        row = self.neighbours.hear(now_ms, header.source, link)
        if not self.neighbours.accept(row, header.sequence, is_broadcast):
            return meters.DROPPED_DUPLICATE
        return 0

    def _on_joined(self, now_ms: int, source: int) -> None:
        self._out.report(EVENT_NEIGHBOUR_JOINED, source)
        # A crowd larger than the table joins and is forgotten all the time: no haste then.
        soon_ms = ANNOUNCE_SOON_MS // 2 + self._rng.below(ANNOUNCE_SOON_MS // 2)
        left_ms = ticks_diff(self._timers.at_ms(TIMER_ANNOUNCE), now_ms)
        if left_ms > soon_ms and self.neighbours.count < NEIGHBOURS_MAX:
            self._timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, soon_ms))

    def _handle(self, payload: memoryview) -> None:
        kind = self._header.kind
        row = self.neighbours.find(self._header.source)
        if kind == frame.KIND_MESSAGE:
            topic, value = messages.read_message(payload)
            self._deliver(row, topic, value)
        elif kind == frame.KIND_ANNOUNCE:
            name, boots = messages.read_announcement(payload)
            if name == self.identity.name:
                self._out.report(EVENT_NAME_TAKEN, self._header.source)
            self.neighbours.names[row] = name
            self.neighbours.boots[row] = boots
        elif kind == frame.KIND_PING and len(payload) <= PING_BYTES_MAX:
            self.transmitter.pong(self._header.source, self.neighbours.links[row], payload)

    def _deliver(self, row: int, topic: str, value: object) -> None:
        source = self.neighbours.names[row] or "%08x" % self._header.source
        message = Message(source, topic, value)
        for wanted, handler in self.application.handlers():
            if wanted == topic:
                try:
                    handler(message)
                except Exception as error:  # noqa: BLE001 - the boundary to a user's code
                    self._on_app_error(_name_of(handler), error)

    def _serve_application(self, now_ms: int, timer_id: int) -> None:
        self.meters.add(meters.TIMERS_MISSED, self._timers.repeat(timer_id, now_ms))
        callback = self._timers.callback(timer_id)
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - the boundary to a user's code
            self._on_app_error(_name_of(callback), error)

    def _announce(self, now_ms: int) -> None:
        span_ms = ANNOUNCE_MS - ANNOUNCE_JITTER_MS + self._rng.below(2 * ANNOUNCE_JITTER_MS)
        self._timers.set(TIMER_ANNOUNCE, ticks_add(now_ms, span_ms))
        self.transmitter.announce()

    def _report_telemetry(self, now_ms: int) -> None:
        self._timers.set(TIMER_TELEMETRY, ticks_add(now_ms, TELEMETRY_MS))
        counts = self.meters.counts
        figures = self._figures
        figures[0] = self._uptime_s
        figures[1] = self.neighbours.count
        figures[2] = counts[meters.SENT]
        figures[3] = counts[meters.RECEIVED]
        figures[4] = self.neighbours.lost
        figures[5] = self._battery_mv
        figures[6] = counts[meters.APP_ERRORS]
        self.transmitter.telemetry(figures)

    def _expire(self, now_ms: int) -> None:
        self._timers.set(TIMER_EXPIRE, ticks_add(now_ms, EXPIRE_MS))
        for _ in range(len(self.neighbours.ids)):
            node = self.neighbours.expire(now_ms)
            if not node:
                return
            self._out.report(EVENT_NEIGHBOUR_LEFT, node)

    def _on_app_error(self, where: str, error: Exception) -> None:
        self.meters.add(meters.APP_ERRORS)
        self._out.app_error(where, error)


def _name_of(function: object) -> str:
    # Any callable may be a handler; only functions have a name on both runtimes.
    return getattr(function, "__name__", "handler")
