"""What a run of a world gives a test to look at."""

import binascii
import math
from dataclasses import dataclass
from typing import Any

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.sim.world.meter import NC_PER_UAH

DAY_S = 86_400


@dataclass(frozen=True)
class Published:
    """One message that an agent published."""

    at_ms: int
    source: str
    topic: str
    value: Any


@dataclass(frozen=True)
class Reported:
    """One `agent.report` of an application."""

    at_ms: int
    agent: str
    name: str
    value: Any


@dataclass(frozen=True)
class Raised:
    """One exception that an application let go."""

    at_ms: int
    agent: str
    where: str
    traceback: str


@dataclass(frozen=True)
class Slept:
    """How an agent spent its time; `unheard` counts frames that came while it could not hear."""

    sleeps: int
    wakes: int
    asleep_ms: int
    radio_ms: int
    unheard: int


@dataclass(frozen=True)
class AgentResult:
    """What one agent did."""

    name: str
    messages: list[Published]
    events: list[Reported]
    errors: list[Raised]
    state: dict[str, Any]
    actuators: dict[str, list[Any]]
    status: dict[str, Any]
    sleep: Slept
    uah_per_day: dict[str, float]  # by power state; {} without a board

    def values(self, topic: str) -> list[Any]:
        """Return the values that it published on a topic, in order."""
        return [message.value for message in self.messages if message.topic == topic]


@dataclass(frozen=True)
class WorldResult:
    """Everything that happened; equal on both runtimes but for the text of tracebacks."""

    runtime: str
    digest: str
    messages: list[Published]
    events: list[Reported]
    errors: list[Raised]
    state: dict[str, dict[str, Any]]
    actuators: dict[str, dict[str, list[Any]]]
    status: dict[str, dict[str, Any]]
    sleep: dict[str, Slept]
    uah_per_day: dict[str, dict[str, float]]  # by agent and power state; {} without a board

    def values(self, topic: str) -> list[Any]:
        """Return the values published on a topic, in order."""
        return [message.value for message in self.messages if message.topic == topic]

    def of(self, name: str) -> AgentResult:
        """Return what one agent did; raises KeyError for one that is not there."""
        return AgentResult(
            name=name,
            messages=[message for message in self.messages if message.source == name],
            events=[event for event in self.events if event.agent == name],
            errors=[error for error in self.errors if error.agent == name],
            state=self.state[name],
            actuators=self.actuators[name],
            status=self.status[name],
            sleep=self.sleep[name],
            uah_per_day=self.uah_per_day.get(name, {}),
        )

    def battery_days(self, percentile: float, battery_mah: float) -> float:
        """Return for how long a battery lasts all agents but the worst `percentile` per cent.

        Of few agents, that is all: the first percentile of 50 is the worst of them. A battery
        that loses nothing by itself is meant.
        Raises: ValueError for a percentile or battery that cannot be, if no energy was counted, or
        if the application raised: what does not work uses little.
        """
        if self.errors:
            text = self.errors[0].traceback.strip().splitlines()[-1]
            raise ValueError(f"the application raised {text!r}, so what it used says nothing.")
        if not 0 < percentile <= 100:
            raise ValueError(f"percentile={percentile}: give a number above 0, at most 100.")
        if battery_mah <= 0:
            raise ValueError(f"battery_mah={battery_mah}: give the battery's charge in mAh.")
        if not self.uah_per_day:
            raise ValueError("no energy was counted: run the world with board=, as cma power has.")
        used = sorted((sum(states.values()) for states in self.uah_per_day.values()), reverse=True)
        place = math.ceil(percentile / 100 * len(used)) - 1
        return battery_mah * 1000 / used[place] if used[place] else math.inf


def from_plain(runtime: str, plain: dict[str, Any], metered_s: int) -> WorldResult:
    """Read the result of `sim.world.driver.run`; its energy was counted for `metered_s`."""
    names = plain["names"]
    actuators: dict[str, dict[str, list[Any]]] = {name: {} for name in names}
    for _at_ms, agent, what, value in plain["actuations"]:
        actuators[agent].setdefault(what, []).append(_value(value))
    return WorldResult(
        runtime=runtime,
        digest=plain["digest"],
        messages=[Published(row[0], row[1], row[2], _value(row[3])) for row in plain["messages"]],
        events=[Reported(row[0], row[1], row[2], _value(row[3])) for row in plain["events"]],
        errors=[Raised(*row) for row in plain["errors"]],
        state=dict(zip(names, map(_value, plain["states"]), strict=True)),
        actuators=actuators,
        status=dict(zip(names, plain["statuses"], strict=True)),
        sleep={name: Slept(**slept) for name, slept in zip(names, plain["sleep"], strict=True)},
        uah_per_day={
            name: {
                state: nc / NC_PER_UAH * DAY_S / metered_s
                for state, nc in zip(STATE_NAMES, used_nc, strict=True)
            }
            for name, used_nc in zip(names, plain["used_nc"], strict=False)
        },
    )


def _value(text: str) -> Any:
    return cbor.decode(binascii.unhexlify(text))
