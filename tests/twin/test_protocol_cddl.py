"""What agents really send and store has the shape that protocol.cddl gives it."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest

from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.codec.templates import TELEMETRY_FIGURES
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.state.values import PREFIX
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Watcher

ROOT = Path(__file__).parents[2]
CDDL = (ROOT / "firmware" / "protocol.cddl").read_text()
RULE_OF_KIND = {
    frame.KIND_ANNOUNCE: "announcement",
    frame.KIND_PING: "ping",
    frame.KIND_PONG: "pong",
    frame.KIND_MESSAGE: "message",
    frame.KIND_TELEMETRY: "telemetry",
    frame.KIND_REQUEST: "request",
    frame.KIND_RESPONSE: "response",
    frame.KIND_FRAGMENT: "fragment",
}
# Boards that update send these: their test holds them to their rules.
UPDATE_KINDS = {frame.KIND_OFFER, frame.KIND_WANT, frame.KIND_PIECE, frame.KIND_REPORT}
LARGE = {"readings": list(range(1_000, 1_250))}
PERIOD_MS = 10_000


def check(rule: str, data: bytes) -> None:
    """Raise pycddl.ValidationError unless the bytes match a rule."""
    pycddl.Schema(f"start = {rule}\n{CDDL}").validate_cbor(data)


def setup(agent: Any) -> None:
    """Say, ask and store all there is: small, large, wrong, and for nobody."""
    other = "agent-02" if agent.name == "agent-01" else "agent-01"
    agent.state["round"] = 0
    agent.state["notes"] = {"text": "ä", 5: [None, True, -1, 1.5, b"\0"]}

    @agent.every(1_500)
    def say() -> None:
        agent.state["round"] = agent.state["round"] + 1
        agent.publish("small", agent.state["round"])
        agent.publish("large", LARGE, to=other)

    @agent.every(2_100)
    def ask() -> None:
        for topic in ("double", "large", "broken", "unknown"):
            agent.request(topic, 21, other, lambda message: None)

    @agent.on("double")
    def double(message: Any) -> object:
        return 2 * message.value

    @agent.on("broken")
    def broken(message: Any) -> object:
        raise ValueError(message.topic)

    @agent.on("large")
    def large(message: Any) -> object:
        return LARGE


class Tap(Watcher):
    """Keep every frame that leaves an agent, by kind."""

    boards: list[Board]

    def __init__(self) -> None:
        self.frames: dict[int, list[bytes]] = defaultdict(list)

    def begin(self, fleet: Fleet) -> None:
        """Keep the boards."""
        self.boards = fleet.boards

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Keep the frame."""
        self.frames[data[1]].append(data)


@pytest.fixture(scope="module")
def world() -> Tap:
    tap = Tap()
    fleet = Fleet(setup, agents=3, seed=5, watchers=[tap])
    fleet.run(60)
    board = fleet.boards[0]
    ping = bytearray(HEADER_BYTES) + cbor2.dumps([1, "x"])
    frame.write_header(ping, frame.KIND_PING, 1, frame.node_id(b"tester"), board.node, 1)
    tap.frames[frame.KIND_PING].append(bytes(ping))
    assert board.agent
    board.agent.on_frame(board.ticks(), 0, ping, len(ping), -50, board.host)
    return tap


@pytest.mark.parametrize("kind", RULE_OF_KIND)
def test_frames_of_a_kind_match_its_rule(world: Tap, kind: int) -> None:
    frames = world.frames[kind]
    assert frames
    for data in frames[:200]:
        check(RULE_OF_KIND[kind], data[HEADER_BYTES:])


def test_every_kind_has_a_rule() -> None:
    kinds = {value for name, value in vars(frame).items() if name.startswith("KIND_")}
    assert kinds == set(RULE_OF_KIND) | UPDATE_KINDS


def test_responses_of_every_status_were_among_them(world: Tap) -> None:
    responses = [cbor2.loads(data[HEADER_BYTES:]) for data in world.frames[frame.KIND_RESPONSE]]
    assert {status for _, status, _ in responses} == {0, 1, 2}
    assert all(value is None for _, status, value in responses if status)


def test_fragments_joined_are_what_their_kind_says(world: Tap) -> None:
    parts: dict[tuple[bytes, int], dict[int, bytes]] = defaultdict(dict)
    meant: dict[tuple[bytes, int], tuple[int, int]] = {}
    for data in world.frames[frame.KIND_FRAGMENT]:
        number, index, count, kind, piece = cbor2.loads(data[HEADER_BYTES:])
        key = (data[4:8], number)
        assert meant.setdefault(key, (count, kind)) == (count, kind)
        parts[key][index] = piece
    whole = [key for key in parts if len(parts[key]) == meant[key][0]]
    assert {meant[key][1] for key in whole} == {frame.KIND_MESSAGE, frame.KIND_RESPONSE}
    for key in whole[:50]:
        payload = b"".join(parts[key][index] for index in sorted(parts[key]))
        check(RULE_OF_KIND[meant[key][1]], payload)
        assert cbor2.loads(payload)[-1] == LARGE


def test_sleepers_announce_when_they_wake() -> None:
    tap = Tap()
    fleet = Fleet(setup, agents=3, seed=6, settings={"wake_period_ms": PERIOD_MS}, watchers=[tap])
    fleet.run(120)
    announced = [data[HEADER_BYTES:] for data in tap.frames[frame.KIND_ANNOUNCE]]
    for payload in announced:
        check("announcement", payload)
    with_window = [cbor2.loads(payload) for payload in announced if 4 in cbor2.loads(payload)]
    assert len(with_window) > 10
    nodes = {board.node for board in tap.boards}
    for fields in with_window:
        assert fields[4] == PERIOD_MS and fields[5] < PERIOD_MS and fields[6] in nodes


def test_what_is_stored_matches_its_rule(world: Tap) -> None:
    for board in world.boards:
        table = board.table()
        keys = [key for key in table.keys() if key.startswith(PREFIX)]  # noqa: SIM118 - no dict
        assert keys == [PREFIX + b"notes", PREFIX + b"round"]
        for key in keys:
            value = table.get(key)
            assert value
            check("state-value", value)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("announcement", {1: "a", 2: 1}),
        ("announcement", {1: "", 2: 1, 3: "x"}),
        ("announcement", {1: "a", 2: -1, 3: "x"}),
        ("announcement", {1: "a", 2: 1, 3: "x", 4: 1000}),
        ("announcement", {1: "a", 2: 1, 3: "x", 4: 1000, 5: 0, 6: 0}),
        ("message", ["a"]),
        ("message", ["a" * 33, 1]),
        ("telemetry", dict.fromkeys(range(1, TELEMETRY_FIGURES), 65_536)),
        ("telemetry", dict.fromkeys(range(1, TELEMETRY_FIGURES + 1), 0)),
        ("request", [0, "a", 1]),
        ("request", ["a", 1]),
        ("response", [1, 24, None]),
        ("fragment", [1, 0, 2, frame.KIND_PING, b"x"]),
        ("fragment", [1, 0, 6, frame.KIND_MESSAGE, b"x"]),
        ("fragment", [1, 0, 2, frame.KIND_MESSAGE, b""]),
        ("fragment", [1, 0, 2, frame.KIND_MESSAGE, bytes(217)]),
        ("settings", {"a": b"x"}),
        ("currents", {"active": -1}),
    ],
)
def test_the_rules_refuse_what_they_should(rule: str, wrong: Any) -> None:
    with pytest.raises(pycddl.ValidationError):
        check(rule, cbor2.dumps(wrong, canonical=True))
