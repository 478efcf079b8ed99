"""An agent that is told the same again is the same, to the last bit of its snapshot."""

from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP, CAUSE_POWER_ON
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts, Sensor, Table
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.ticks import ticks_add, ticks_diff
from cma_toolkit.sim.replay import recording as kinds
from cma_toolkit.sim.replay.player import DIVERGED, ENDED, Player
from cma_toolkit.sim.replay.recording import Input, Recording
from support.agent_heap import NETWORK, frames

APP = """
def setup(agent):
    soil = agent.sensor("soil")

    @agent.on("beat")
    def hear(message):
        agent.state["heard"] = agent.state.get("heard", 0) + 1

    @agent.every(700)
    def tell():
        agent.publish("soil", soil.read())
"""
SEED = 77
START_MS = (1 << 29) - 9_000  # the instants begin anew meanwhile
FRAMES = 300
IDENTITY = Identity("replayed", node_id(bytes(6)), NETWORK, "")


class Soil(Sensor):
    """Say something else each time, and have it noted."""

    def __init__(self, told: list[Input]) -> None:
        self._told = told
        self._value = 0

    def read(self) -> object:
        """Return the next number."""
        self._value += 1
        self._told.append(Input(kinds.SENSED, 0, 0, bytes([self._value % 24])))
        return self._value % 24


class Ground(Parts):
    """Have that sensor."""

    def __init__(self, told: list[Input]) -> None:
        self._soil = Soil(told)

    def sensor(self, name: str) -> Sensor:
        """Return it."""
        return self._soil


def live(snapshot: bytes | None) -> tuple[list[Input], bytes]:
    """Return what an agent was told, and its snapshot after it."""
    told: list[Input] = []
    names: dict[str, object] = {}
    exec(APP, names)
    out = Effects()
    agent = Agent(IDENTITY, Prng(SEED), Table(), Ground(told), settings())
    cause = CAUSE_DEEP_SLEEP if snapshot else CAUSE_POWER_ON
    now_ms = START_MS
    told.append(Input(kinds.START, now_ms))
    agent.start(now_ms, cause, snapshot, out)
    told.append(Input(kinds.SET_UP, now_ms))
    assert agent.set_up(now_ms, names["setup"], out)  # type: ignore[arg-type]
    for count, framed in enumerate(frames()):
        if count == FRAMES:
            break
        now_ms = ticks_add(now_ms, 37)
        length = framed[0]
        told.append(Input(kinds.ON_FRAME, now_ms, 50 + count % 7, framed[1 : 1 + length]))
        agent.on_frame(now_ms, 0, framed[1:], length, -50 - count % 7, out)
        spend(agent, told, now_ms, count % 3)
        if ticks_diff(agent.next_wake_at_ms(), now_ms) <= 0:
            told.append(Input(kinds.ON_TIME, now_ms))
            agent.on_time(now_ms, out)
            spend(agent, told, now_ms, count % 5)
        if count % 50 == 0:
            told.append(Input(kinds.ON_BATTERY, now_ms, 3_000 + count))
            agent.on_battery(3_000 + count)
            told.append(Input(kinds.ON_UNDELIVERED, now_ms))
            agent.on_undelivered()
    return told, snapshot_of(agent, now_ms)


def spend(agent: Agent, told: list[Input], now_ms: int, span_ms: int) -> None:
    if span_ms:
        told.append(Input(kinds.ON_SPENT, now_ms, span_ms))
    agent.on_spent(now_ms, span_ms)


def settings() -> Config:
    config = Config()
    config.take({"saving_mv": 3_100})
    config.take_currents({"active": 40_000, "wifi_rx": 90_000, "wifi_tx": 200_000})
    return config


def snapshot_of(agent: Agent, now_ms: int) -> bytes:
    buffer = bytearray(agent.snapshot_bytes)
    agent.hibernate(now_ms, buffer)
    return bytes(buffer)


def player_of(tmp_path: Path, told: list[Input], snapshot: bytes | None) -> Player:
    app = tmp_path / "app.py"
    app.write_text(APP)
    cause = CAUSE_DEEP_SLEEP if snapshot else CAUSE_POWER_ON
    recording = Recording(7, "", cause, snapshot, seed=SEED, inputs=tuple(told))
    return Player(recording, IDENTITY, settings(), Table(), app)


@pytest.mark.parametrize("wakes", [False, True])
def test_an_agent_that_is_told_the_same_becomes_the_same(tmp_path: Path, wakes: bool) -> None:
    before = live(None)[1] if wakes else None
    told, after = live(before)
    player = player_of(tmp_path, told, before)
    ending = player.play(60.0)
    assert (ending.how, ending.inputs) == (ENDED, len(told)), ending.error
    assert snapshot_of(player._agent, told[-1].at_ms) == after


def test_an_agent_whose_start_was_pushed_out_starts_with_what_came_next(tmp_path: Path) -> None:
    told, after = live(None)
    player = player_of(tmp_path, told[1:], None)
    assert told[0].kind == kinds.START
    assert player.play(60.0).how == ENDED
    assert snapshot_of(player._agent, told[-1].at_ms) == after


@pytest.mark.parametrize("change", [-1, 1])
def test_sensors_that_are_asked_otherwise_are_noticed(tmp_path: Path, change: int) -> None:
    told, _ = live(None)
    at = next(index for index, one in enumerate(told) if one.kind == kinds.SENSED)
    told[at : at + 1] = [told[at]] * (1 + change)
    ending = player_of(tmp_path, told, None).play(60.0)
    assert ending.how == DIVERGED and "the file that ran there" in str(ending.error)
