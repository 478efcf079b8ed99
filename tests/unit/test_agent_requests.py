"""An agent asks another by name, and always hears: an answer, or why there is none."""

from kernel.application import Message
from kernel.codec import cbor, frame
from kernel.limits import (
    ANNOUNCE_MS,
    DEADLINE_MS_MAX,
    HEADER_BYTES,
    QUOTA_CPU_MS,
    REQUESTS_MAX,
)
from kernel.ticks import ticks_add, ticks_diff
from support.no_heap import Failing, out_of_heap
from support.pair import START_MS, Node, Pair
from support.script import raises
from support.started import STRANGER, hear, later, made, started


def answering(agent):
    """Answer requests in every way there is."""
    agent.on("double")(lambda message: 2 * message.value)
    agent.on("broken")(lambda message: {}["x"])
    agent.on("strange")(lambda message: object())
    agent.on("nothing")(lambda message: None)


def met():
    """Return a pair that knows each other; `b` answers."""
    pair = Pair(None, answering)
    pair.run(2 * ANNOUNCE_MS)
    return pair


def ask(pair, topic, value=None, deadline_ms=1000):
    """Let `a` ask `b`; return what it was told within two seconds."""
    told = []
    application = pair.a.agent.application
    assert application.request(topic, value, "b", told.append, deadline_ms)
    pair.run(2000)
    return [(message.source, message.value, message.error) for message in told]


def test_an_answer_comes_back():
    pair = met()
    assert ask(pair, "double", 21) == [("b", 42, "")]
    assert ask(pair, "nothing") == [("b", None, "")]


def test_a_large_answer_comes_in_fragments():
    pair = met()
    pair.heard.clear()
    assert ask(pair, "double", "x" * 200) == [("b", "x" * 400, "")]
    assert frame.KIND_FRAGMENT in [data[1] for data in pair.heard]


def test_a_handler_that_fails_is_told_and_counted_where_it_failed():
    pair = met()
    assert ask(pair, "broken") == [("b", None, "failed")]
    assert ask(pair, "strange") == [("b", None, "failed")]
    assert pair.b.status("app_errors") == 2 and pair.a.status("app_errors") == 0


def test_nobody_handles_it():
    assert ask(met(), "unknown") == [("b", None, "no handler")]


def test_the_deadline_passes_once():
    pair = met()
    pair.is_cut = True
    assert ask(pair, "double", 1) == [("", None, "deadline")]
    pair.run(5000)
    assert pair.a.agent.exchange.requests.count == 0


def test_an_answer_after_the_deadline_is_dropped_and_counted():
    pair = met()
    told = []
    pair.a.agent.application.request("double", 1, "b", told.append, 100)
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    (request,) = pair.a.out.take_frames()
    pair.send(pair.b, request)
    (answer,) = pair.b.out.take_frames()
    pair.run(200)
    pair.send(pair.a, answer)
    assert [message.error for message in told] == ["deadline"]
    assert pair.a.status("dropped") == {"late reply": 1}


def test_there_is_a_bound_on_what_waits():
    pair = met()
    application = pair.a.agent.application
    pair.is_cut = True
    told = []
    for number in range(REQUESTS_MAX + 1):
        assert application.request("double", 1, "b", told.append) == (number < REQUESTS_MAX)
        pair.run(50)
    assert pair.a.status("dropped") == {"requests full": 1}


def test_what_cannot_be_asked_is_refused_at_once():
    pair = met()
    application = pair.a.agent.application
    assert not application.request("double", 1, "nobody", len)
    for deadline_ms in (0, -1, DEADLINE_MS_MAX + 1):
        raises(ValueError, application.request, "double", 1, "b", len, deadline_ms)
    raises(ValueError, application.request, "double", object(), "b", len)
    raises(ValueError, application.request, "", 1, "b", len)
    assert pair.a.agent.exchange.requests.count == 0


def test_a_malformed_answer_leaves_the_request_waiting():
    pair = met()
    told = []
    pair.a.agent.application.request("double", 21, "b", told.append)
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    (request,) = pair.a.out.take_frames()
    pair.send(pair.b, request)
    (answer,) = pair.b.out.take_frames()
    broken = bytearray(answer)
    broken[-2] = 0x19  # a number of two bytes, of which one is there
    frame.write_sequence(broken, ((answer[12] << 8 | answer[13]) + 1) & 0xFFFF)
    pair.send(pair.a, broken)
    assert told == []
    pair.send(pair.a, answer)
    assert [message.value for message in told] == [42]


def test_a_deadline_runs_from_when_it_was_asked_for():
    pair = met()
    pair.is_cut = True
    idle_ms = 900
    told = []
    # A task of the user asks, long after the last step.
    pair.a.agent.application.request("double", 1, "b", told.append, 1000)
    pair.now_ms = ticks_add(pair.now_ms, idle_ms)
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    pair.run(950)
    assert told == []
    pair.run(100)
    assert [message.error for message in told] == ["deadline"]


def test_a_callback_that_raises_does_no_harm():
    pair = met()
    pair.a.agent.application.request("double", 1, "b", lambda message: {}["x"])
    pair.run(1000)
    assert pair.a.status("app_errors") == 1
    assert pair.a.out.errors == [("<lambda>", "KeyError")]


def test_a_restart_begins_elsewhere():
    tables = [Node("a", number).agent.exchange.load_requests() for number in range(20)]
    numbers = {requests.open(0, 1, 100, "x") for requests in tables}
    assert len(numbers) > 15


def test_without_heap_for_its_table_a_request_is_dropped():
    for name in ("__import__", "bytearray"):
        pair = met()
        told = []
        with Failing(name) as failing:
            assert not pair.a.agent.application.request("double", 1, "b", told.append)
        assert failing.count == 1
        assert pair.a.status("dropped") == {"requests full": 1}
        pair.run(1000)
        assert told == [] and ask(pair, "double", 21) == [("b", 42, "")]


def without_heap_for_messages(run, *arguments):
    """Call something while no message can be made for the application."""
    made = Message.__init__
    Message.__init__ = out_of_heap
    try:
        run(*arguments)
    finally:
        Message.__init__ = made


def test_an_answer_without_heap_for_it_is_dropped_and_the_deadline_is_told():
    for is_name in (True, False):
        pair = met()
        told = []
        pair.a.agent.application.request("double", 21, "b", told.append, 1000)
        pair.a.agent.on_time(pair.now_ms, pair.a.out)
        (request,) = pair.a.out.take_frames()
        pair.send(pair.b, request)
        (answer,) = pair.b.out.take_frames()
        if is_name:
            with Failing("str") as failing:
                pair.send(pair.a, answer)
            assert failing.count == 1
        else:
            without_heap_for_messages(pair.send, pair.a, answer)
        assert told == [] and pair.a.status("dropped") == {"full": 1}
        pair.run(1500)
        assert [message.error for message in told] == ["deadline"]
        assert ask(pair, "double", 4) == [("b", 8, "")]


def test_a_deadline_without_heap_to_tell_it_is_told_at_the_next_step():
    pair = met()
    pair.is_cut = True
    told = []
    agent, out = pair.a.agent, pair.a.out
    for number in range(2):
        assert agent.application.request("double", number, "b", told.append, 100)
    agent.on_time(pair.now_ms, out)
    late_ms = ticks_add(pair.now_ms, 500)
    without_heap_for_messages(agent.on_time, late_ms, out)
    assert told == [] and agent.exchange.requests.count == 2
    assert agent.next_wake_at_ms() != -1 and ticks_diff(agent.next_wake_at_ms(), late_ms) <= 0
    agent.on_time(late_ms, out)
    assert [message.error for message in told] == ["deadline"] * 2
    pair.now_ms, pair.is_cut = late_ms, False
    pair.run(500)
    assert len(told) == 2 and ask(pair, "double", 4) == [("b", 8, "")]


def test_an_error_without_heap_to_report_it_is_counted():
    pair = met()
    pair.is_cut = True
    agent, out = pair.a.agent, pair.a.out
    out.app_error = out_of_heap
    agent.application.request("double", 1, "b", lambda message: {}["x"], 100)
    agent.on_time(pair.now_ms, out)
    agent.on_time(ticks_add(pair.now_ms, 500), out)
    assert pair.a.status("app_errors") == 1 and agent.exchange.requests.count == 0


def asked_by_hand():
    """Return a node that asked a stranger, what it was told, and the number of its request."""
    node, told = started(), []
    node.agent.neighbours.introduce(node.agent.neighbours.hear(START_MS, STRANGER, 0), "n")
    assert node.agent.application.request("t", 1, "n", told.append, 1_000)
    node.agent.on_time(START_MS, node.out)
    (number, topic, value) = cbor.decode(node.out.take_frames()[-1][HEADER_BYTES:])
    assert (topic, value) == ("t", 1)
    return node, told, number


def test_each_status_has_its_error_and_one_that_nobody_knows_the_last():
    errors = ((0, ""), (1, "no handler"), (2, "failed"), (3, "refused"), (4, "refused"))
    for status, error in errors + ((23, "refused"),):
        node, told, number = asked_by_hand()
        hear(node, made(frame.KIND_RESPONSE, [number, status, 7], node.identity.node))
        assert [(message.value, message.error) for message in told] == [(7, error)]


def test_without_time_for_handlers_a_request_is_refused_and_a_message_dropped():
    node, run = started(), []
    node.agent.set_up(START_MS, lambda agent: agent.on("t")(run.append), node.out)
    quotas = node.agent.governor.quotas
    quotas.charge(START_MS, QUOTA_CPU_MS, quotas.level(START_MS, QUOTA_CPU_MS))
    hear(node, made(frame.KIND_REQUEST, [9, "t", 1], node.identity.node))
    answers = [data for data in node.out.frames if data[1] == frame.KIND_RESPONSE]
    assert [cbor.decode(data[HEADER_BYTES:]) for data in answers] == [[9, 3, None]]
    hear(node, made(frame.KIND_MESSAGE, ["t", 1], sequence=2))
    assert run == [] and node.status("dropped") == {"over quota": 2}


def test_the_deadline_of_what_a_task_asks_runs_from_the_next_step():
    node, told, number = asked_by_hand()
    other = []
    assert node.agent.application.request("t", 2, "n", other.append, 1_000)
    node.agent.on_time(later(1_500), node.out)
    assert [message.error for message in told] == ["deadline"] and other == []
    node.agent.on_time(later(2_499), node.out)
    assert other == []
    node.agent.on_time(later(2_500), node.out)
    assert [message.error for message in other] == ["deadline"] and number
