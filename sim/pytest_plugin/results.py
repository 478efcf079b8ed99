"""What a run of a world gives a test to look at."""

import binascii
from dataclasses import dataclass
from typing import Any

from cma_toolkit.firmware.kernel.codec import cbor


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

    def values(self, topic: str) -> list[Any]:
        """Return the values published on a topic, in order."""
        return [message.value for message in self.messages if message.topic == topic]


def from_plain(runtime: str, plain: dict[str, Any]) -> WorldResult:
    """Read the result of `sim.world.driver.run`."""
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
    )


def _value(text: str) -> Any:
    return cbor.decode(binascii.unhexlify(text))
