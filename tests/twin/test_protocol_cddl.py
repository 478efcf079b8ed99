"""What agents really send and store has the shape that protocol.cddl gives it."""

import binascii
from collections import defaultdict
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest

from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.codec.messages import TELEMETRY_FIGURES
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES, STATE_BYTES_MAX
from cma_toolkit.firmware.kernel.state.record import CRC_BYTES
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.fleet import Fleet

ROOT = Path(__file__).parents[2]
CDDL = (ROOT / "firmware" / "protocol.cddl").read_text()
RULE_OF_KIND = {
    frame.KIND_ANNOUNCE: "announcement",
    frame.KIND_PING: "ping",
    frame.KIND_PONG: "pong",
    frame.KIND_MESSAGE: "message",
    frame.KIND_TELEMETRY: "telemetry",
}


def check(rule: str, data: bytes) -> None:
    """Raise pycddl.ValidationError unless the bytes match a rule."""
    pycddl.Schema(f"start = {rule}\n{CDDL}").validate_cbor(data)


class Tap(Fleet):
    """A world that keeps every frame."""

    frames: dict[int, list[bytes]]

    def transmit(self, source: int, data: bytes) -> None:
        """Keep the frame and let it through."""
        self.frames[data[1]].append(data)
        super().transmit(source, data)


@pytest.fixture(scope="module")
def world() -> Tap:
    fleet = Tap(load_setup(str(ROOT / "tests/world/apps/harsh.py")), agents=3, seed=5)
    fleet.frames = defaultdict(list)
    fleet.run(30)
    node = fleet._nodes[0]
    ping = bytearray(HEADER_BYTES) + cbor2.dumps([1, "x"])
    frame.write_header(ping, frame.KIND_PING, 1, frame.node_id(b"tester"), node, 1)
    agent, host = fleet._agents[0], fleet._hosts[0]
    assert agent
    fleet.frames[frame.KIND_PING].append(bytes(ping))
    agent.on_frame(fleet._ticks(0), 0, ping, len(ping), host)
    return fleet


@pytest.mark.parametrize("kind", RULE_OF_KIND)
def test_frames_of_a_kind_match_its_rule(world: Tap, kind: int) -> None:
    frames = world.frames[kind]
    assert frames
    for data in frames[:200]:
        check(RULE_OF_KIND[kind], data[HEADER_BYTES:])


def test_every_kind_has_a_rule() -> None:
    kinds = {value for name, value in vars(frame).items() if name.startswith("KIND_")}
    assert kinds == set(RULE_OF_KIND)


def test_records_match_their_rules(world: Tap) -> None:
    for store in world._stores:
        boots, state = store.read("boots"), store.read("state")
        assert boots and state and len(state) <= CRC_BYTES + STATE_BYTES_MAX
        check("boots-record", boots[CRC_BYTES:])
        check("state-record", state[CRC_BYTES:])
        assert int.from_bytes(state[:CRC_BYTES], "big") == binascii.crc32(state[CRC_BYTES:])


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("announcement", {1: "a", 2: 1}),
        ("announcement", {1: "", 2: 1, 3: "x"}),
        ("announcement", {1: "a", 2: -1, 3: "x"}),
        ("message", ["a"]),
        ("message", ["a" * 33, 1]),
        ("telemetry", dict.fromkeys(range(1, TELEMETRY_FIGURES), 0)),
        ("state-record", {1: 2}),
        ("settings", {"a": b"x"}),
    ],
)
def test_the_rules_refuse_what_they_should(rule: str, wrong: Any) -> None:
    with pytest.raises(pycddl.ValidationError):
        check(rule, cbor2.dumps(wrong, canonical=True))
