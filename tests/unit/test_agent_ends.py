"""How a step of an agent ends: awake or asleep, stored, said; and what neighbours hear of it."""

from kernel.codec import frame
from kernel.effects import SLEEP_DEEP, SLEEP_LIGHT
from kernel.errors import (
    CAUSE_DEEP_SLEEP,
)
from kernel.limits import (
    ANNOUNCE_JITTER_MS,
    ANNOUNCE_MS,
    ANNOUNCE_SOON_MS,
    NEIGHBOURS_MAX,
    PERIOD_MS_MAX,
)
from kernel.recovery.boots import KEY as BOOT_KEY
from kernel.ticks import ticks_add, ticks_diff
from kernel.timers import TIMER_ANNOUNCE, TIMER_EXPIRE, TIMER_TELEMETRY
from support.pair import START_MS, Node
from support.script import Script
from support.sleeper import Sleeper
from support.started import (
    CURRENTS,
    PERIOD_MS,
    STRANGER,
    InOrder,
    hear,
    later,
    made,
    started,
)

# --- staying awake ---


def test_staying_awake_begins_with_the_next_step_and_ends_in_time():
    node = started(wake_period_ms=PERIOD_MS)
    application = node.agent.application
    application.stay_awake(500)
    application.stay_awake(1_000)  # the longer one
    application.stay_awake(700)
    node.agent.on_time(later(100), node.out)
    assert node.agent._is_kept_awake and node.agent._awake_until_ms == later(1_100)
    node.agent.on_time(later(1_099), node.out)
    assert node.agent._is_kept_awake
    node.agent.on_time(later(1_100), node.out)
    assert not node.agent._is_kept_awake
    application.reboot()
    application.request("t", 1, "nobody", print, 5)  # asks for something else
    node.agent.on_time(later(1_200), node.out)
    assert not node.agent._is_kept_awake and node.agent._awake_span_ms == 0


def test_staying_awake_has_a_bound_and_is_waited_for():
    node = started(wake_period_ms=PERIOD_MS)
    node.agent.application.stay_awake(1 << 40)
    node.agent.on_time(START_MS, node.out)
    assert node.agent._awake_until_ms == ticks_add(START_MS, PERIOD_MS_MAX)
    node = started()
    node.agent.application.stay_awake(7)
    node.agent.on_time(START_MS, node.out)
    for timer_id in (TIMER_ANNOUNCE, TIMER_TELEMETRY, TIMER_EXPIRE):
        node.agent._timers.set(timer_id, later(4_000))
    assert node.agent.next_wake_at_ms() == later(7)


def test_within_a_step_it_begins_with_that_step():
    node = started()

    def setup(agent):
        agent.stay_awake(1_000)

    node.agent.set_up(later(50), setup, node.out)
    assert node.agent._is_kept_awake and node.agent._awake_until_ms == later(1_050)
    assert not node.agent._is_asked


# --- ending ---


def test_a_reboot_stores_everything_first_and_comes_once():
    node = started()
    order = InOrder(node)
    node.agent.application.state["n"] = 1
    node.agent.application.reboot()
    assert node.agent.next_wake_at_ms() == START_MS
    node.agent.on_time(START_MS, order)
    assert order.order == ["commit", "commit", "reboot"]
    assert node.table.values[b"sn"] == b"\x01" and node.table.values[BOOT_KEY][1] == 2
    node.agent.on_time(START_MS, order)
    assert order.order.count("reboot") == 1


def test_an_orderly_stop_stores_what_a_task_has_just_changed():
    node = started()
    node.agent.application.state["n"] = 7
    node.agent.stop(later(5), node.out)
    assert node.table.values[b"sn"] == b"\x07" and node.table.values[BOOT_KEY][1] == 2
    fresh = Node("b", 2)
    fresh.agent.stop(START_MS, fresh.out)  # before it was started nothing is known
    assert fresh.table.values == {}


def test_a_stop_tells_what_cannot_be_stored_to_whom_it_was_told_to():
    node, last = started(), Script()
    node.agent.application.state["list"] = [1]
    node.agent.application.state["list"].append(object())
    node.agent.stop(later(5), last)
    assert last.errors == [("agent.state", "CborError")] and node.out.errors == []


def test_a_sleep_stores_what_a_task_has_just_changed_and_knows_when_it_was():
    node = started(wake_period_ms=PERIOD_MS)
    node.agent.application.state["n"] = 7
    buffer = bytearray(node.agent.snapshot_bytes)
    node.agent.hibernate(later(1_234), buffer)
    assert node.table.values[b"sn"] == b"\x07"
    woken = Node("a", 1, table=node.table, wake_period_ms=PERIOD_MS)
    woken.start(later(1_234), CAUSE_DEEP_SLEEP, buffer)
    assert woken.agent.uptime_ms() == 1_234


def test_state_is_stored_before_what_tells_of_it_leaves():
    def setup(agent):
        agent.state.critical("n")

        @agent.on("t")
        def hear_it(message):
            agent.state["n"] = message.value
            agent.publish("n", message.value)

    node = started()
    node.agent.set_up(START_MS, setup, node.out)
    order = InOrder(node)
    hear(node, made(frame.KIND_MESSAGE, ["t", 3]), START_MS, order)
    assert order.order == ["commit", frame.KIND_MESSAGE]


def test_after_an_answer_the_sleep_is_deep_again():
    node = started(wake_period_ms=PERIOD_MS)
    requests = node.agent.exchange.load_requests()
    agent = node.agent
    agent.schedule.clock.begin(START_MS)
    agent.schedule.is_seeking = False
    for timer_id in (TIMER_ANNOUNCE, TIMER_TELEMETRY, TIMER_EXPIRE):
        agent._timers.unset(timer_id)
    depths = []
    for is_owed in (True, False):
        if is_owed:
            number = requests.open(START_MS, STRANGER, 30_000, print)
        else:
            requests.cancel(number)
        agent.schedule._stage, agent.schedule.is_open = 0, False
        agent.schedule.clock.start_at_ms = later(PERIOD_MS)
        node.out.sleeps.clear()
        agent._sleep(START_MS)
        depths += node.out.sleeps
    assert depths == [(later(30_000), SLEEP_LIGHT), (later(PERIOD_MS - 4), SLEEP_DEEP)]


def test_timers_that_are_due_together_cost_one_commit():
    def setup(agent):
        for name in ("m", "n"):

            @agent.every(PERIOD_MS)
            def count(name=name):
                agent.state[name] = agent.state.get(name, 0) + 1

    board = Sleeper(setup, wake_period_ms=PERIOD_MS)
    board.run(3 * PERIOD_MS)
    before = len(board.table.commits)
    board.run(5 * PERIOD_MS)
    commits = board.table.commits[before:]
    assert 4 <= len(commits) <= 6
    assert commits == [[b"sm", b"sn"]] * len(commits)


def test_what_is_said_in_a_window_keeps_it_open():
    node = started(wake_period_ms=PERIOD_MS)
    agent = node.agent
    agent.on_time(agent.schedule._seek_until_ms, node.out)
    now_ms = agent.schedule.clock.start_at_ms
    before_ms = agent.schedule._close_at_ms
    for number in range(6):
        assert agent.application.publish("t", number)
    agent.on_time(now_ms, node.out)
    sent = len(node.out.frames)
    assert sent >= 6 and ticks_diff(agent.schedule._close_at_ms, now_ms) == 4 + 2 * 6
    assert ticks_diff(agent.schedule._close_at_ms, before_ms) > 0
    hear(node, made(frame.KIND_MESSAGE, ["t", 1]), ticks_add(now_ms, 14))
    assert ticks_diff(agent.schedule._close_at_ms, now_ms) == 14 + 4


# --- neighbours ---


def test_a_newcomer_hears_our_name_within_its_bound():
    spans = []
    for number in range(1, 120):
        node = started(number)
        node.agent._timers.set(TIMER_ANNOUNCE, later(ANNOUNCE_MS))
        hear(node, made(frame.KIND_ANNOUNCE, {1: "n", 2: 1}))
        spans.append(ticks_diff(node.agent._timers.at_ms(TIMER_ANNOUNCE), START_MS))
    assert ANNOUNCE_SOON_MS // 2 <= min(spans) < ANNOUNCE_SOON_MS * 5 // 8
    assert ANNOUNCE_SOON_MS * 7 // 8 < max(spans) < ANNOUNCE_SOON_MS


def test_an_announcement_that_comes_sooner_stays_and_a_crowd_is_no_hurry():
    node = started()
    node.agent._timers.set(TIMER_ANNOUNCE, later(100))
    hear(node, made(frame.KIND_ANNOUNCE, {1: "n", 2: 1}))
    assert node.agent._timers.at_ms(TIMER_ANNOUNCE) == later(100)
    for count, is_soon in ((NEIGHBOURS_MAX - 2, True), (NEIGHBOURS_MAX - 1, False)):
        node = started()
        for number in range(count):
            node.agent.neighbours.hear(START_MS, 1_000 + number, 0)
        node.agent._timers.set(TIMER_ANNOUNCE, later(ANNOUNCE_MS))
        hear(node, made(frame.KIND_ANNOUNCE, {1: "n", 2: 1}))
        left_ms = ticks_diff(node.agent._timers.at_ms(TIMER_ANNOUNCE), START_MS)
        assert (left_ms < ANNOUNCE_SOON_MS) == is_soon, count


def test_announcements_keep_their_distance():
    spans = []
    for number in range(1, 120):
        node = started(number)
        node.agent._announce(START_MS)
        spans.append(ticks_diff(node.agent._timers.at_ms(TIMER_ANNOUNCE), START_MS))
    assert ANNOUNCE_MS - ANNOUNCE_JITTER_MS <= min(spans) < ANNOUNCE_MS - ANNOUNCE_JITTER_MS // 2
    assert ANNOUNCE_MS + ANNOUNCE_JITTER_MS // 2 < max(spans) < ANNOUNCE_MS + ANNOUNCE_JITTER_MS


def test_a_request_that_cannot_be_paid_is_refused_and_counted():
    node = started(currents=CURRENTS, budget_uah_per_day=25)
    node.agent.neighbours.introduce(node.agent.neighbours.hear(START_MS, STRANGER, 0), "n")
    quotas = node.agent.governor.quotas
    assert node.agent.application.request("t", 1, "n", print)
    quotas.charge(START_MS, 4, 10_000)
    assert not node.agent.application.request("t", 1, "n", print)
    assert node.status("dropped") == {"no energy": 1}
    assert node.agent.exchange.requests.count == 1
