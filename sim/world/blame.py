"""Who used it: the energy of a world by what it was for and the power state it was used in.

What is sent is its handler's. A wake is that of the window it was for, else of the handlers that
ran in it, in equal parts; staying awake after that is for whoever asked for it. Where a gap
between windows is long enough for deep sleep and a handler's wake makes it light, the handler has
what that costs more. Listening, other sleep and what the kernel says of itself are nobody's. The
sum of all is what the kernel accounts for.

For CPython alone.
"""

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import (
    KIND_FRAGMENT,
    KIND_MESSAGE,
    KIND_REQUEST,
    KIND_RESPONSE,
)
from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES, TOPIC_BYTES_MAX
from cma_toolkit.firmware.kernel.power.energy import break_even_ms
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.calls import Calls
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.meter import EnergyMeter

WINDOWS, SLEEP, KERNEL = "(windows)", "(sleep)", "(kernel)"
_CORRELATION_BYTES = {0x18: 2, 0x19: 3}  # by its first one: RFC 8949, section 3
_ACTIVE, _RX, _TX = (STATE_NAMES.index(name) for name in ("active", "wifi_rx", "wifi_tx"))
_LIGHT, _DEEP = (STATE_NAMES.index(name) for name in ("light_sleep", "deep_sleep"))


class Blame(EnergyMeter, Calls):
    """Split what all agents of a world use, while it runs.

    `used_by`: nanocoulombs by (cause, power state); a cause is a handler, as `sample()`, or one of
    WINDOWS, SLEEP and KERNEL.
    """

    def __init__(self, from_ms: int = 0) -> None:
        super().__init__(from_ms)
        self.used_by: dict[tuple[str, str], int] = {}
        self._awake: dict[int, _Awake] = {}
        self._names: dict[str, int] = {}
        self._causes: list[str] = []  # of what is charged now
        self._light_ua = self._light_over_ua = 0  # the second: beyond what deep sleep draws

    def begin(self, fleet: Fleet) -> None:
        """Begin with nothing used."""
        super().begin(fleet)
        self._names = {name: index for index, name in enumerate(fleet.names)}
        self._awake = {index: _Awake() for index in self._names.values()}
        config, currents_ua = fleet.config, fleet.config.currents_ua
        deep_ms = config.deep_sleep_ms or break_even_ms(currents_ua)
        if config.wake_period_ms > deep_ms > 0:
            self._light_ua = currents_ua[_LIGHT]
            self._light_over_ua = max(0, self._light_ua - currents_ua[_DEEP])

    def end(self, fleet: Fleet) -> None:
        """Say for what those were awake who still are."""
        super().end(fleet)
        for awake in self._awake.values():
            self._settle(awake)

    # --- what handlers do ---

    def entered(self, agent: str, handler: str, what: str) -> None:
        """Have a handler run."""
        awake = self._awake[self._names[agent]]
        awake.running.append(f"{handler}()")
        if awake.running[-1] not in awake.ran:
            awake.ran.append(awake.running[-1])

    def left(self, agent: str) -> None:
        """Have it end."""
        self._awake[self._names[agent]].running.pop()

    def said(self, agent: str, topic: str) -> None:
        """Remember who speaks on a topic."""
        awake = self._awake[self._names[agent]]
        awake.speakers[cbor.encode(topic, TOPIC_BYTES_MAX + 8)] = awake.cause()

    def answered(self, agent: str) -> None:
        """Remember who answers."""
        awake = self._awake[self._names[agent]]
        awake.answerer = awake.cause()

    def stayed(self, agent: str) -> None:
        """Remember who wants to stay awake."""
        awake = self._awake[self._names[agent]]
        if awake.cause() not in awake.stayers:
            awake.stayers.append(awake.cause())

    # --- what is charged ---

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Charge what led to an effect."""
        awake = self._awake[index]
        if kind == trace.SEND:
            self._causes = [awake.sender(content)]
        super().effect(fleet, index, kind, content)
        self._causes = []
        if kind == trace.RADIO and content[0]:
            awake.has_window = True
        elif kind in (trace.SLEEP, trace.POWER, trace.REBOOT):
            self._settle(awake)

    def charge(self, fleet: Fleet, index: int, state: int, used_nc: int) -> None:
        """Count what was used in a state, for what it was used."""
        super().charge(fleet, index, state, used_nc)
        if state == _ACTIVE:
            awake = self._awake[index]
            if awake.stayers:
                self._share(awake.stayers, state, used_nc)
            else:
                awake.active_nc += used_nc
        elif state == _RX:
            self._share([WINDOWS], state, used_nc)
        elif state == _TX:
            self._share(self._causes or [KERNEL], state, used_nc)
        else:
            over_nc = 0
            if state == _LIGHT and self._light_over_ua:
                over_nc = used_nc * self._light_over_ua // self._light_ua
                self._awake[index].light_nc += over_nc
            self._share([SLEEP], state, used_nc - over_nc)

    def _settle(self, awake: "_Awake") -> None:
        causes = [WINDOWS] if awake.has_window else awake.ran or [KERNEL]
        self._share(causes, _ACTIVE, awake.active_nc)
        is_early = awake.ran and not awake.has_window
        self._share(awake.ran if is_early else [SLEEP], _LIGHT, awake.light_nc)
        awake.end()

    def _share(self, causes: list[str], state: int, used_nc: int) -> None:
        for place, cause in enumerate(causes):
            part_nc = used_nc // len(causes) + (place < used_nc % len(causes))
            if part_nc:
                key = (cause, STATE_NAMES[state])
                self.used_by[key] = self.used_by.get(key, 0) + part_nc


class _Awake:
    """What one agent did since it woke, and who speaks for it on which topic."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.speakers: dict[bytes, str] = {}
        self.answerer = self.in_parts = KERNEL
        self.end()

    def end(self) -> None:
        """Fall asleep."""
        self.ran: list[str] = []
        self.stayers: list[str] = []
        self.has_window = False
        self.active_nc = 0
        self.light_nc = 0  # of the sleep before, beyond deep sleep

    def cause(self) -> str:
        """Return who acts now; `setup` and tasks of the application go by its name."""
        return self.running[-1] if self.running else "setup()"

    def sender(self, data: bytes) -> str:
        """Return whose frame this is."""
        kind = data[1]
        if kind == KIND_RESPONSE:
            return self.answerer
        if kind in (KIND_MESSAGE, KIND_REQUEST):
            return self._speaker(kind, data[HEADER_BYTES:])
        if kind == KIND_FRAGMENT:
            fields = cbor.decode(data[HEADER_BYTES:])
            assert isinstance(fields, list)
            _number, place, _count, of_kind, part = fields
            if place == 0:  # the only one that says on which topic; the others follow it
                is_answer = of_kind == KIND_RESPONSE
                self.in_parts = self.answerer if is_answer else self._speaker(of_kind, part)
            return self.in_parts
        return KERNEL

    def _speaker(self, kind: int, payload: bytes) -> str:
        topic_at = 1  # behind the array's head
        if kind == KIND_REQUEST:
            topic_at += _CORRELATION_BYTES.get(payload[1], 1)
        for topic, speaker in self.speakers.items():
            if payload.startswith(topic, topic_at):
                return speaker
        return KERNEL
