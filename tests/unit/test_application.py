"""What an application may ask for has bounds, and says so."""

from kernel.limits import HANDLERS_MAX, MESSAGE_BYTES_MAX, TIMERS_MAX, TOPIC_BYTES_MAX
from support.pair import START_MS, Node
from support.script import raises


def test_topics_have_a_length():
    application = Node("a", 1).agent.application
    application.on("t" * TOPIC_BYTES_MAX)(len)
    for topic in ("", "t" * (TOPIC_BYTES_MAX + 1), "\u00fc" * TOPIC_BYTES_MAX):
        raises(ValueError, application.on, topic)
        raises(ValueError, application.publish, topic, 1)


def test_handlers_and_timers_have_a_number():
    application = Node("a", 1).agent.application
    for _ in range(HANDLERS_MAX):
        application.on("t")(len)
    raises(ValueError, application.on, "t")
    for _ in range(TIMERS_MAX):
        application.every(1000)(len)
    raises(ValueError, application.every(1000), len)


def test_decorators_give_the_function_back():
    application = Node("a", 1).agent.application
    assert application.every(1000)(len) is len
    assert application.on("t")(len) is len


def test_set_up_tells_whether_it_went_well():
    node = Node("a", 1)
    assert node.agent.set_up(START_MS, lambda agent: None, node.out) is True
    assert node.agent.set_up(START_MS, lambda agent: agent.sensor("none"), node.out) is False


def test_a_value_without_a_cbor_form_is_an_error_of_its_caller():
    application = Node("a", 1).agent.application
    raises(ValueError, application.publish, "t", {1, 2})
    raises(ValueError, application.publish, "t", bytes(MESSAGE_BYTES_MAX))
