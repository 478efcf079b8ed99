"""Two agents over a wire: they meet, talk, answer, forget, and take no harm."""

from kernel.codec import cbor, frame
from kernel.codec.templates import read_telemetry
from kernel.errors import EVENT_NAME_TAKEN, EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT
from kernel.limits import ANNOUNCE_MS, ANNOUNCE_SOON_MS, HEADER_BYTES, OUTBOX_FRAMES_MAX
from kernel.prng import Prng
from support.pair import START_MS, Node, Pair, mac_of
from support.script import Part, PartsByName

STRANGER = frame.node_id(mac_of(9))


def made(  # noqa: PLR0917 - one field each
    kind, payload, target=frame.BROADCAST, network=7, sequence=1, source=STRANGER
):
    """Return a frame of a node that is no agent of ours."""
    data = bytearray(HEADER_BYTES) + payload
    frame.write_header(data, kind, network, source, target, sequence)
    return data


def kinds(frames):
    """Return the kinds of frames."""
    return [data[1] for data in frames]


def test_agents_announce_themselves_and_meet():
    pair = Pair()
    pair.run(2 * ANNOUNCE_MS)
    for node, other in ((pair.a, pair.b), (pair.b, pair.a)):
        assert node.status("neighbours") == 1
        assert node.agent.neighbours.find_name(other.identity.name) >= 0
        assert (EVENT_NEIGHBOUR_JOINED, other.identity.node) in node.out.reports
    assert 4 <= kinds(pair.heard).count(frame.KIND_ANNOUNCE) <= 8


def test_a_new_neighbour_learns_our_name_soon():
    pair = Pair()
    pair.run(4000)
    pair.heard.clear()
    pair.send(pair.a, made(frame.KIND_ANNOUNCE, cbor.encode({1: "new", 2: 1, 3: "x"})))
    pair.run(ANNOUNCE_SOON_MS)
    assert kinds(pair.heard).count(frame.KIND_ANNOUNCE) == 1


def test_a_silent_neighbour_leaves():
    pair = Pair()
    pair.run(2 * ANNOUNCE_MS)
    pair.is_cut = True
    pair.run(50_000)
    assert pair.a.status("neighbours") == 0
    assert (EVENT_NEIGHBOUR_LEFT, pair.b.identity.node) in pair.a.out.reports


def test_telemetry_is_sent():
    pair = Pair()
    pair.a.agent.on_battery(3700)
    pair.run(61_000)
    figures = [
        read_telemetry(data[HEADER_BYTES:])
        for data in pair.heard
        if data[1] == frame.KIND_TELEMETRY and frame.read_source(data) == pair.a.identity.node
    ]
    assert len(figures) == 2 and figures[1][5] == 3700 and figures[1][0] >= 30


def test_a_ping_for_us_is_answered_with_its_payload():
    pair = Pair()
    ping = made(frame.KIND_PING, b"\x18\x2a", target=pair.a.identity.node)
    pair.send(pair.a, ping)
    (pong,) = pair.a.out.take_frames()
    assert pong[1] == frame.KIND_PONG and pong[HEADER_BYTES:] == b"\x18\x2a"
    assert frame.read_target(pong) == STRANGER


def test_a_ping_that_is_too_long_or_for_another_is_not_answered():
    pair = Pair()
    pair.send(pair.a, made(frame.KIND_PING, bytes(33), target=pair.a.identity.node))
    pair.send(pair.a, made(frame.KIND_PING, b"\x01", target=pair.b.identity.node))
    assert pair.a.out.frames == []


def test_messages_reach_their_handlers_with_the_senders_name():
    got = []

    def talk(agent):
        @agent.every(1000)
        def tick():
            agent.publish("hello", {"n": 1})

    def listen(agent):
        @agent.on("hello")
        def hello(message):
            got.append((message.source, message.topic, message.value))

        agent.on("other")(got.append)

    pair = Pair(talk, listen)
    pair.run(15_000)
    assert len(got) == 15
    assert got[-1] == ("a", "hello", {"n": 1})


def test_a_sender_without_a_name_is_known_by_its_id():
    got = []
    pair = Pair(lambda agent: agent.on("t")(got.append))
    pair.send(pair.a, made(frame.KIND_MESSAGE, cbor.encode(["t", 1])))
    assert got[0].source == "%08x" % STRANGER


def test_a_message_for_one_goes_to_that_one():
    pair = Pair()
    application = pair.a.agent.application
    assert not application.publish("t", 1, to="b")
    assert pair.a.status("dropped") == {"no such neighbour": 1}
    pair.run(ANNOUNCE_MS)
    assert application.publish("t", 1, to="b")
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    assert frame.read_target(pair.a.out.frames[-1]) == pair.b.identity.node


def test_a_raising_application_is_counted_and_lives_on():
    def setup(agent):
        @agent.every(1000)
        def broken():
            raise ValueError("x")

        @agent.every(1000)
        def fine():
            agent.publish("alive", True)

        @agent.on("alive")
        def hear(message):
            return {}["x"]

    pair = Pair(setup, setup)
    pair.run(5000)
    assert pair.a.out.errors.count(("broken", "ValueError")) == 5
    assert pair.a.out.errors.count(("hear", "KeyError")) == 5
    assert pair.a.status("app_errors") == 10


def test_a_setup_that_fails_leaves_a_bare_agent():
    def setup(agent):
        agent.every(100)(lambda: agent.publish("t", 1))
        agent.on("t")(lambda message: None)
        agent.sensor("none")

    pair = Pair(setup)
    pair.run(ANNOUNCE_MS)
    assert pair.a.out.errors == [("setup", "LookupError")]
    assert pair.a.agent.application.handlers() == []
    assert frame.KIND_MESSAGE not in kinds(pair.heard)
    assert pair.b.status("neighbours") == 1


def test_too_many_messages_in_one_step_are_counted():
    results = []

    def setup(agent):
        agent.every(1000)(
            lambda: results.extend(agent.publish("t", n) for n in range(OUTBOX_FRAMES_MAX + 3))
        )

    pair = Pair(setup)
    pair.run(1000)
    assert results == [True] * OUTBOX_FRAMES_MAX + [False] * 3
    assert pair.a.status("dropped")["full"] == 3


def test_what_is_not_for_us_is_dropped_by_kind():
    pair = Pair()
    message = cbor.encode(["t", 1])
    pair.send(pair.a, made(frame.KIND_MESSAGE, message, network=8))
    pair.send(pair.a, made(frame.KIND_MESSAGE, message, target=pair.b.identity.node))
    pair.send(pair.a, made(frame.KIND_MESSAGE, message, source=pair.a.identity.node))
    pair.send(pair.a, made(frame.KIND_MESSAGE, message, sequence=5))
    pair.send(pair.a, made(frame.KIND_MESSAGE, message, sequence=5))
    pair.send(pair.a, made(frame.KIND_MESSAGE, b"\x82\x01", sequence=6))
    pair.send(pair.a, bytearray(b"noise"))
    assert pair.a.status("dropped") == {
        "other network": 1,
        "other target": 1,
        "echo": 1,
        "duplicate": 1,
        "malformed": 2,
    }
    assert pair.a.status("received") == 1


def test_garbage_does_no_harm():
    pair = Pair(lambda agent: agent.on("t")(lambda message: None))
    rng = Prng(11)
    for _ in range(400):
        data = made(
            1 + rng.below(6),
            bytes(rng.below(256) for _ in range(1 + rng.below(20))),
            sequence=rng.below(0x10000),
        )
        for _ in range(rng.below(3)):
            data[rng.below(len(data))] = rng.below(256)
        pair.send(pair.a, data)
    pair.run(ANNOUNCE_MS)
    assert pair.a.out.errors == []
    assert pair.b.status("neighbours") == 1


def test_another_agent_of_our_name_is_reported():
    pair = Pair()
    pair.send(pair.a, made(frame.KIND_ANNOUNCE, cbor.encode({1: "a", 2: 1, 3: "x"})))
    assert (EVENT_NAME_TAKEN, STRANGER) in pair.a.out.reports


def test_a_name_stays_with_who_held_it_first():
    pair = Pair()
    pair.run(2 * ANNOUNCE_MS)
    pair.send(pair.a, made(frame.KIND_ANNOUNCE, cbor.encode({1: "b", 2: 1, 3: "x"})))
    near = pair.a.agent.neighbours
    assert near.ids[near.find_name("b")] == pair.b.identity.node
    assert (EVENT_NAME_TAKEN, STRANGER) in pair.a.out.reports
    pair.is_cut = True
    pair.run(60_000)
    pair.send(pair.a, made(frame.KIND_ANNOUNCE, cbor.encode({1: "b", 2: 1, 3: "x"}), sequence=2))
    assert near.ids[near.find_name("b")] == STRANGER


def test_losses_have_a_bound():
    pair = Pair()
    windows = pair.a.agent.neighbours
    row = windows.hear(pair.now_ms, STRANGER, 0)
    windows.lost = (1 << 29) - 10
    windows.accept(row, 0, True)
    windows.accept(row, 1_000, True)
    assert windows.lost == (1 << 29) - 1
    pair.run(35_000)  # its telemetry says so, and does not raise


def test_state_and_boots_survive_a_restart():
    def setup(agent):
        agent.state["runs"] = agent.state.get("runs", 0) + 1

    first = Node("a", 1)
    first.start(START_MS)
    first.agent.set_up(START_MS, setup, first.out)
    first.agent.stop(START_MS, first.out)
    second = Node("a", 1, table=first.table)
    second.start(START_MS)
    second.agent.set_up(START_MS, setup, second.out)
    assert second.status("boots") == 2
    assert second.agent.application.state["runs"] == 2


def test_parts_are_those_of_the_board():
    pump = Part(0)
    node = Node("a", 1, parts=PartsByName(soil=Part(300), pump=pump))
    application = node.agent.application
    application.actuator("pump").write(application.sensor("soil").read())
    assert pump.value == 300 and application.name == "a"


def test_a_report_reaches_the_console():
    pair = Pair(lambda agent: agent.report("ready", {"level": 5}))
    assert pair.a.out.events == [("ready", {"level": 5})]


def test_the_next_wake_is_never_late():
    pair = Pair(lambda agent: agent.every(700)(lambda: None))
    agent = pair.a.agent
    for _ in range(100):
        wake = agent.next_wake_at_ms()
        agent.on_time(wake, pair.a.out)
        assert agent.next_wake_at_ms() != wake
    assert agent.status()["timers_missed"] == 0


def test_a_message_published_between_steps_asks_for_a_step_now():
    pair = Pair()
    pair.a.agent.application.publish("t", 1)
    assert pair.a.agent.next_wake_at_ms() == pair.now_ms
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    assert kinds(pair.a.out.frames) == [frame.KIND_MESSAGE]


def test_uptime_goes_on_across_the_wrap():
    pair = Pair()
    pair.run(10_000)
    assert pair.a.status("uptime_ms") == 10_000
