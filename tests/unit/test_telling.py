"""What a console shows of an agent, in the order in which people read it."""

from kernel.errors import CAUSE_PANIC, DROP_FULL, DROP_NAMES
from kernel.health import meters
from kernel.health.report import FIGURE_NAMES
from kernel.limits import QUOTA_ALARMS, TRACEBACK_BYTES_MAX
from kernel.power.modes import MODE_SAVING
from kernel.status import figures
from kernel.telling import tell_health, tell_status
from support.pair import START_MS, Node

# As in SPEC.md: who it is, for how long it has been up, how it is, what it did, what failed.
STATUS = """name board uptime_ms boots wakes mode safe_mode neighbours sent received lost
battery_mv used_uah app_errors timers_missed undelivered dropped""".split()


def told(tell, agent):
    """Return the names of all fields in their order, and their values by name."""
    names, fields = [], {}

    def put(name, value):
        names.append(name)
        fields[name] = value

    tell(agent, put)
    return names, fields


def busy_agent():
    """Return an agent on which every figure is another number."""
    node = Node("a", 1, currents={"active": 3_600_000})
    node.start(START_MS, CAUSE_PANIC)
    agent = node.agent
    agent.wakes, agent.uptime_s, agent._uptime_ms = 71, 72, 73
    agent.recovery.boots, agent.recovery.unclean, agent.recovery.is_safe = 74, 75, True
    agent.governor.battery_mv = 3_500
    agent.governor.modes._go(MODE_SAVING)
    agent.governor.energy.uah[0] = 76
    agent.neighbours.hear(START_MS, 5, 0, -50)
    agent.neighbours.hear(START_MS, 6, 0, -70)
    agent.neighbours.lost = 77
    for meter, count in (
        (meters.SENT, 78),
        (meters.RECEIVED, 79),
        (meters.APP_ERRORS, 80),
        (meters.TIMERS_MISSED, 81),
        (meters.UNDELIVERED, 82),
    ):
        agent.meters.counts[meter] = count
    agent.meters.drop(DROP_FULL, 3)
    agent.governor.quotas.refused[QUOTA_ALARMS] = 83
    agent.on_heap(9_000)
    agent.on_heap(8_000)
    agent.on_heap(8_500)
    return agent


def test_the_status_has_each_figure_at_its_place():
    agent = busy_agent()
    names, fields = told(tell_status, agent)
    assert names == STATUS
    assert fields["name"] == "a" and fields["board"] == "test-board"
    assert fields["uptime_ms"] == 72_073 and fields["mode"] == "saving"
    assert fields["boots"] == 74 and fields["wakes"] == 71 and fields["safe_mode"] is True
    assert fields["neighbours"] == 2 and fields["battery_mv"] == 3_500
    assert fields["used_uah"] == 76 and fields["lost"] == 77
    assert [fields[name] for name in ("sent", "received", "app_errors")] == [78, 79, 80]
    assert fields["timers_missed"] == 81 and fields["undelivered"] == 82
    assert fields["dropped"] == {DROP_NAMES.split("\n")[DROP_FULL]: 1}
    assert agent.status() == fields


def test_the_health_has_the_figures_of_telemetry_and_what_they_leave_out():
    agent = busy_agent()
    agent.on_frame(START_MS, 0, b"", 0, 0, agent._out)
    names, fields = told(tell_health, agent)
    assert names == FIGURE_NAMES.split("\n") + [
        "heap_free_min",
        "resets",
        "traceback",
        "dropped",
        "dropped_kinds",
        "over_quota",
    ]
    assert fields["uptime_s"] == 72 and fields["neighbours"] == 2
    assert [fields[name] for name in ("sent", "received", "lost")] == [78, 79, 77]
    assert fields["battery_mv"] == 3_500 and fields["app_errors"] == 80
    assert fields["heap_free"] == 8_500 and fields["heap_free_min"] == 8_000
    assert fields["mode"] == MODE_SAVING and fields["last_reset"] == CAUSE_PANIC
    assert fields["unclean_boots"] == 75 and fields["energy_uah"] == 76
    assert fields["safe_mode"] == 1 and fields["weakest_link"] == 70
    assert fields["resets"] == {"panic": 1} and fields["traceback"] == ""
    assert fields["over_quota"] == {"alarms": 83}
    assert sum(fields["dropped"].values()) == 2 == sum(fields["dropped_kinds"].values())
    assert fields["dropped_kinds"]["pong"] == 1
    assert agent.report_health() == fields


def test_the_weakest_link_is_one_that_is_measured_and_there():
    agent = busy_agent()
    assert figures(agent)[14] == 70
    agent.neighbours.hear(START_MS, 7, 0, 0)  # a link that measures nothing
    assert figures(agent)[14] == 70
    agent.neighbours.ids[agent.neighbours.find(6)] = 0  # forgotten: its row keeps its number
    assert figures(agent)[14] == 50
    assert figures(Node("b", 2).agent)[14] == 0


def test_a_traceback_is_shown_as_ascii():
    agent = Node("a", 1).agent
    assert agent.keep_traceback(START_MS, b"\x84rger \x7e\x7f\x80\xff")
    assert told(tell_health, agent)[1]["traceback"] == "?rger ~\x7f??"


def test_of_a_long_traceback_the_end_is_kept():
    agent = Node("a", 1).agent
    text = bytes([65 + place % 26 for place in range(TRACEBACK_BYTES_MAX + 1)])
    assert agent.keep_traceback(START_MS, text)
    assert told(tell_health, agent)[1]["traceback"] == text[1:].decode()
