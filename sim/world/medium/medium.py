"""All ways from one agent to another: ESP-NOW, and if a world has them UDP and wires.

Links have the numbers by which the kernel names them: 0 ESP-NOW, 1 UDP, 2 UART.
"""

from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.effects import LINK_ALL
from cma_toolkit.sim.world.board import AIR, FRAME, UNDELIVERED
from cma_toolkit.sim.world.medium import uart, udp
from cma_toolkit.sim.world.medium.options import check_radio
from cma_toolkit.sim.world.medium.radio import ALL, Radio
from cma_toolkit.sim.world.medium.reach import Reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.fleet import Fleet

LINK_RADIO, LINK_UDP, LINK_UART = 0, udp.LINK, uart.LINK
_EDGE_LOSS_PERMILLE = 300
_NOBODY = -2


class Medium:
    """Carry frames, and tell senders of those that nobody took.

    Shape of `radio`, all of it optional: range_m (0: all hear all), loss_permille,
    edge_loss_permille (more at the end of the range); udp with agents, latency_ms, jitter_ms,
    loss_permille; wires with pairs, baud, loss_permille.
    Raises: ValueError, as `options.check_radio`.
    """

    def __init__(
        self,
        fleet: "Fleet",
        radio: "dict[str, Any] | None" = None,
        range_m: int = 0,
        loss_permille: int = 0,
    ) -> None:
        count, seed = len(fleet.names), fleet.seed
        is_own = fleet.is_own
        plain: dict[str, Any] = {"range_m": range_m, "loss_permille": loss_permille}
        if radio is not None:
            check_radio(radio, count)
            plain.update(radio)
        check_radio(plain, count)
        self._fleet = fleet
        self._index_of: dict[int, int] = {}  # of a node
        self._turns: dict[int, bool] = {}  # the instants at which the air is looked at
        reach = Reach(
            fleet.places,
            plain["range_m"],
            plain["loss_permille"],
            plain.get("edge_loss_permille", _EDGE_LOSS_PERMILLE),
            is_own,
        )
        self.radio = Radio(self, reach, count, seed)
        self.udp = udp.Udp(self, plain["udp"], is_own, seed) if "udp" in plain else None
        self.wires = uart.Wires(self, plain["wires"], is_own, seed) if "wires" in plain else None

    def connect(self, node: int, index: int) -> None:
        """Learn which agent a node id in a frame means."""
        self._index_of[node] = index

    def transmit(self, source: int, link: int, data: bytes) -> None:
        """Let a frame out on one link or on all that the agent has."""
        fleet = self._fleet
        for watcher in fleet.watchers:
            watcher.sent(fleet, source, data)
        if link in (LINK_ALL, LINK_RADIO):
            target = frame.read_target(data)
            index = ALL if target == frame.BROADCAST else self._index_of.get(target, _NOBODY)
            if index != _NOBODY and self.is_listening(source):
                self.radio.send(source, index, data)
            else:
                self.fail(source)
        if self.udp is not None and link in (LINK_ALL, LINK_UDP) and self.is_listening(source):
            self.udp.send(source, data)
        if self.wires is not None and link in (LINK_ALL, LINK_UART):
            self.wires.send(source, data)

    def silence(self, source: int) -> None:
        """Lose what an agent has not sent yet: its power is cut, or it was reset."""
        self.radio.silence(source)

    def turn(self) -> None:
        """Let the air take its turn at this instant; called for the event AIR."""
        now_ms = self._fleet.clock.now_ms
        self._turns.pop(now_ms)
        self.radio.turn(now_ms)
        if self.udp is not None:
            self.udp.turn(now_ms)
        if self.wires is not None:
            self.wires.turn(now_ms)

    # --- what the media ask ---

    def now_ms(self) -> int:
        """Return the instant."""
        return self._fleet.clock.now_ms

    def turn_at(self, at_ms: int) -> None:
        """Have a turn at an instant, before whatever else happens then."""
        if at_ms not in self._turns:
            self._turns[at_ms] = True
            self._fleet.clock.schedule_first(at_ms, AIR, self._fleet.own[0])

    def post_at(self, at_ms: int) -> None:
        """Have a turn at which something other than the radio comes."""
        if self.radio.border is not None:
            self.radio.border.on_post(at_ms)
        self.turn_at(at_ms)

    def is_listening(self, index: int) -> bool:
        """Tell whether an agent's radio is on and nothing keeps it from hearing."""
        return self._fleet.boards[index].is_listening()

    def on_sending(self, index: int) -> None:
        """Take what an agent sends from its battery, which may be too weak for it."""
        power = self._fleet.boards[index].power
        if power is not None:
            power.draw()

    def fail(self, source: int) -> None:
        """Tell a sender that nobody took its frame."""
        clock = self._fleet.clock
        clock.schedule(clock.now_ms, UNDELIVERED, source)

    def hand_over(  # noqa: PLR0917 - keywords cost time, at each frame on each path
        self,
        source: int,
        target: int,
        rssi_dbm: int,
        data: bytes,
        link: int = LINK_RADIO,
        delay_ms: int = 0,
    ) -> bool:
        """Hand a frame that came through to its receiver, unless a fault says otherwise.

        Returns: whether any copy of it came, or will.
        """
        faults = self._fleet.active_faults
        if not faults:
            self._carry(target, (rssi_dbm, data, link, source), delay_ms)
            return True
        paths = [(delay_ms, rssi_dbm, data)]
        for fault in faults:
            fault.on_air(source, target, data, paths)
        for later_ms, dbm, copy in paths:
            self._carry(target, (dbm, copy, link, source), later_ms)
        return bool(paths)

    def _carry(self, target: int, data: "Any", delay_ms: int) -> None:
        fleet = self._fleet
        if delay_ms > 0:
            fleet.clock.schedule(fleet.clock.now_ms + delay_ms, FRAME, target, data)
            return
        fleet.boards[target].on_event(FRAME, data)
        for watcher in fleet.watchers:
            watcher.after_event(fleet, FRAME, target)
