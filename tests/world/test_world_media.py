"""Agents that talk over the radio, through an access point and over wires, where they are."""

from itertools import pairwise
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec.frame import BROADCAST
from cma_toolkit.firmware.kernel.effects import LINK_ALL
from cma_toolkit.sim.world.board import FRAME
from cma_toolkit.sim.world.faults.base import Fault
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.medium.airtime import TRIES_MAX, frame_us
from cma_toolkit.sim.world.medium.medium import LINK_RADIO, LINK_UART, LINK_UDP
from cma_toolkit.sim.world.medium.options import check_radio
from cma_toolkit.sim.world.watcher import Watcher

FAR = {"kind": "positions", "rows": [[0, 0], [1_000, 0], [2_000, 0], [3_000, 0]]}


def talk(agent: Any) -> None:
    """Publish a number each second and count what is heard."""
    agent.state["heard"] = 0

    @agent.every(1_000)
    def say() -> None:
        agent.publish("talk", 1)

    @agent.on("talk")
    def hear(message: Any) -> None:
        agent.state["heard"] += 1


class Arrivals(Watcher):
    """Note who was handed what from whom, and when."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, int, bytes]] = []

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        self.told.append((fleet.clock.now_ms, source, target, data))

    def paths(self) -> set[tuple[int, int]]:
        """Return every path on which something came."""
        return {(source, target) for _at_ms, source, target, _data in self.told}

    def of(self, data: bytes) -> list[tuple[int, int, int]]:
        """Return when a frame came, from whom and to whom, each time it did."""
        return [entry[:3] for entry in self.told if entry[3] == data]


def fleet(seconds: int = 30, **options: Any) -> tuple[Fleet, Arrivals]:
    arrivals = Arrivals()
    made = Fleet(talk, watchers=[arrivals], **options)
    made.run(seconds)
    return made, arrivals


def heard(made: Fleet) -> list[Any]:
    return [values["heard"] for values in made.states()]


def test_an_access_point_carries_to_all_who_joined_it_however_far() -> None:
    radio = {"range_m": 50, "udp": {"agents": [0, 1, 3]}}
    made, arrivals = fleet(agents=4, places=FAR, radio=radio)
    assert arrivals.paths() == {(a, b) for a in (0, 1, 3) for b in (0, 1, 3) if a != b}
    assert heard(made)[2] == 0 and min(heard(made)[index] for index in (0, 1, 3)) > 50


@pytest.mark.parametrize(
    ("members", "paths"), [([], set()), ([0, 2, 2, 0], {(0, 2), (2, 0)}), (None, None)]
)
def test_an_access_point_has_those_who_are_named_each_once(members: Any, paths: Any) -> None:
    udp = {} if members is None else {"agents": members}
    _made, arrivals = fleet(agents=3, places=FAR, radio={"range_m": 50, "udp": udp})
    everyone = {(a, b) for a in range(3) for b in range(3) if a != b}
    assert arrivals.paths() == (everyone if paths is None else paths)
    assert len(set(arrivals.told)) == len(arrivals.told)


def test_udp_takes_its_latency_and_loses_its_share() -> None:
    radio = {"range_m": 50, "udp": {"latency_ms": 40, "jitter_ms": 10, "loss_permille": 250}}
    made, arrivals = fleet(60, agents=2, places=FAR, radio=radio, seed=4)
    assert 0.65 < heard(made)[0] / 59 < 0.85
    now_ms, data = made.clock.now_ms, note(made, 0)
    for _ in range(400):
        made.medium.transmit(0, LINK_UDP, data)
    made.run(1)
    spans = [at_ms - now_ms for at_ms, _source, _target in arrivals.of(data)]
    assert set(spans) == set(range(40, 51)) and 250 < len(spans) < 350


def test_a_wire_joins_two_and_needs_no_radio() -> None:
    radio = {"range_m": 50, "wires": {"pairs": [[1, 2]]}}
    made, arrivals = fleet(agents=4, places=FAR, radio=radio)
    assert arrivals.paths() == {(1, 2), (2, 1)}
    for index in (1, 2):
        made.boards[index].switch_radio(False)
    data = note(made, 1)
    made.medium.transmit(1, LINK_UART, data)
    made.medium.transmit(1, LINK_ALL, data)
    made.run(1)
    assert [entry[1:] for entry in arrivals.of(data)] == [(1, 2)] * 2


def test_frames_on_a_wire_wait_for_each_other() -> None:
    radio = {"range_m": 50, "wires": {"pairs": [[0, 1]], "baud": 9_600}}
    made, arrivals = fleet(10, agents=2, places=FAR, radio=radio)
    now_ms, data = made.clock.now_ms, note(made, 0, b"\x58\xc8" + b"\x01" * 200)
    for _ in range(3):
        made.medium.transmit(0, LINK_UART, data)
    made.run(1)
    times = [now_ms, *(at_ms for at_ms, _source, _target in arrivals.of(data))]
    # 216 bytes and 6 around them, ten bits each.
    assert len(times) == 4 and times[1] - now_ms >= 231
    assert {later - sooner for sooner, later in pairwise(times[1:])} <= {231, 232}


def note(
    made: Fleet, source: int, payload: bytes = b"\x82\x00\x01", target: int = BROADCAST
) -> bytes:
    """Return a frame as an agent would send it."""
    node = made.boards[source].node.to_bytes(4, "big")
    return b"\x11\x05\x00\x01" + node + target.to_bytes(4, "big") + b"\x00\x00" + payload


def test_a_frame_for_one_says_when_nobody_took_it() -> None:
    made, _arrivals = fleet(10, agents=3, places=FAR, radio={"range_m": 1_500})
    far = made.boards[2].node
    before = made.radio.counts(0)
    made.medium.transmit(0, LINK_RADIO, note(made, 0, target=far))
    made.run(1)
    assert made.statuses()[0]["undelivered"] == 1
    assert made.radio.counts(0)["retries"] - before["retries"] == TRIES_MAX - 1
    near = made.boards[1].node
    made.medium.transmit(0, LINK_RADIO, note(made, 0, target=near))
    made.medium.transmit(0, LINK_RADIO, note(made, 0, target=12345))
    made.run(1)
    assert made.statuses()[0]["undelivered"] == 2  # nobody has that id


def test_air_time_adds_up_over_a_run() -> None:
    class Sizes(Watcher):
        def __init__(self) -> None:
            self.air_us = [0, 0, 0]

        def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
            self.air_us[source] += frame_us(len(data))

    sizes = Sizes()
    made = Fleet(talk, agents=3, watchers=[sizes])
    made.run(60)
    counted = [made.radio.counts(index)["air_us"] for index in range(3)]
    for index in range(3):
        assert 0 <= sizes.air_us[index] - counted[index] <= 3 * 2_600  # still on its way
        assert counted[index] > 60 * frame_us(20)


def test_the_ends_of_a_building_do_not_hear_each_other() -> None:
    places = {"kind": "building", "floors": 3, "width_m": 60, "room_m": 6}
    made, arrivals = fleet(20, agents=30, places=places, range_m=30, seed=2)
    assert arrivals.paths() == {
        (source, target) for source in range(30) for target in made.radio.in_reach(source)
    }
    assert 30 < len(arrivals.paths()) < 30 * 29
    above = [
        made.places.floors_between(source, target) for source, target in sorted(arrivals.paths())
    ]
    assert above.count(0) > above.count(1) > above.count(2)


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ([], "radio: write a table with some of range_m"),
        ({"range": 3}, "radio: no key range; it has range_m"),
        ({"range_m": -5}, "radio: range_m is a whole number from 0 to 100000, not -5"),
        ({"range_m": 2.5}, "whole number"),
        ({"loss_permille": 1001}, "loss_permille is a whole number from 0 to 1000, not 1001"),
        ({"edge_loss_permille": True}, "not True"),
        ({"udp": {"latency_ms": 0}}, "udp: latency_ms is a whole number from 1"),
        ({"udp": {"agents": [0, 4]}}, "udp: 4 is no agent; they are numbered 0 to 3"),
        ({"udp": {"agents": 3}}, "udp: agents is a list"),
        ({"wires": {}}, r"wires: give pairs of agent numbers, as \[\[0, 1\], \[2, 3\]\]"),
        ({"wires": {"pairs": [[0, 1, 2]]}}, "is no pair of agent numbers"),
        ({"wires": {"pairs": [[0, -1]]}}, "wires: -1 is no agent"),
        ({"wires": {"pairs": [[0, 1], [1, 2]]}}, "wires: agent 1 is on two; a board has one UART"),
        ({"wires": {"pairs": [[0, 0]]}}, "wires: a wire from agent 0 to itself; name two"),
        ({"wires": {"pairs": [[0, 1]], "baud": 3}}, "wires: baud is a whole number from 300"),
    ],
)
def test_an_impossible_medium_is_refused_in_a_sentence(plain: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        check_radio(plain, 4)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=says):
        Fleet(talk, agents=4, radio=plain)


def test_each_link_is_its_own_and_needs_what_it_needs() -> None:
    radio = {"udp": {}, "wires": {"pairs": [[0, 2]]}}
    made, arrivals = fleet(5, agents=3, radio=radio)
    for number, link in enumerate((LINK_RADIO, LINK_UDP, LINK_UART, LINK_ALL)):
        made.medium.transmit(0, link, note(made, 0, bytes([number])))
    made.run(1)
    came = [len(arrivals.of(note(made, 0, bytes([number])))) for number in range(4)]
    assert came == [2, 2, 1, 5]
    made.boards[0].switch_radio(False)
    for number, link in enumerate((LINK_RADIO, LINK_UDP, LINK_UART), start=10):
        made.medium.transmit(0, link, note(made, 0, bytes([number])))
    made.run(1)
    came = [len(arrivals.of(note(made, 0, bytes([number])))) for number in (10, 11, 12)]
    assert came == [0, 0, 1]


def test_a_wire_loses_its_share() -> None:
    radio = {"range_m": 50, "wires": {"pairs": [[0, 1]], "loss_permille": 300}}
    made, _arrivals = fleet(100, agents=2, places=FAR, radio=radio)
    assert 0.6 < heard(made)[0] / 99 < 0.8


def test_a_power_cut_silences_what_was_about_to_leave() -> None:
    made, arrivals = fleet(5, agents=2)
    data = note(made, 0)
    made.medium.transmit(0, LINK_RADIO, data)
    made.boards[0].cut_power()
    made.run(1)
    assert arrivals.of(data) == []


def test_a_frame_that_a_fault_takes_is_not_acknowledged() -> None:
    class Deaf(Fault):
        NAME, NUMBER = "deaf", 99

        def on_air(self, source: int, target: int, data: bytes, paths: Any) -> None:
            paths.clear()

    made, arrivals = fleet(10, agents=2, faults=[(5_000, 9_000_000, Deaf())])
    data = note(made, 0, target=made.boards[1].node)
    made.medium.transmit(0, LINK_RADIO, data)
    made.run(1)
    assert arrivals.of(data) == []
    assert made.statuses()[0]["undelivered"] == 1
    assert made.radio.counts(0)["retries"] == TRIES_MAX - 1


def test_the_air_comes_first_at_its_instant_and_watchers_see_each_receiver() -> None:
    class Order(Watcher):
        def __init__(self) -> None:
            self.told: list[tuple[int, int]] = []
            self.arrivals = 0

        def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
            self.told.append((fleet.clock.now_ms, kind))

        def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
            self.arrivals += 1

    order = Order()
    made = Fleet(talk, agents=6, watchers=[order])
    made.run(60)
    kinds: dict[int, list[int]] = {}
    for at_ms, kind in order.told:
        kinds.setdefault(at_ms, []).append(kind)
    shared = [row for row in kinds.values() if FRAME in row and set(row) != {FRAME}]
    assert len(shared) > 10
    assert all(set(row[: row.count(FRAME)]) == {FRAME} for row in shared)
    assert sum(row.count(FRAME) for row in kinds.values()) == order.arrivals > 1_000
