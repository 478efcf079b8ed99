"""What each step of an agent does, in which order, and into whose hands its effects go."""

from kernel.codec import frame
from kernel.effects import SLEEP_DEEP
from kernel.errors import (
    CAUSE_DEEP_SLEEP,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    EVENT_NEIGHBOUR_JOINED,
    EVENT_POWER_MODE,
    EVENT_RESUMED,
    EVENT_SAFE_MODE_LEFT,
    EVENT_SNAPSHOT_LOST,
    EVENT_STARTED,
    REBOOT_ASKED,
)
from kernel.limits import (
    ANNOUNCE_JITTER_MS,
    EXPIRE_MS,
    HEALTHY_MS,
    NEIGHBOUR_SILENT_MS_MAX,
    PERIOD_MS_MAX,
    REASSEMBLY_MS_MAX,
    TELEMETRY_MS,
    WAKE_PERIOD_MS_MAX,
)
from kernel.power.modes import MODE_DORMANT
from kernel.recovery.boots import KEY as BOOT_KEY
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff
from kernel.timers import TIMER_ANNOUNCE, TIMER_EXPIRE, TIMER_TELEMETRY
from support.pair import START_MS, Node
from support.script import MemoryTable, Script
from support.started import CURRENTS, PERIOD_MS, STRANGER, hear, later, made, started, used_nc

# --- starting ---


def test_a_neighbour_may_be_silent_for_eight_windows_or_three_announcements():
    for period_ms, silent_ms in (
        (0, NEIGHBOUR_SILENT_MS_MAX),
        (1_000, NEIGHBOUR_SILENT_MS_MAX),
        (PERIOD_MS, 8 * PERIOD_MS),
        (WAKE_PERIOD_MS_MAX, PERIOD_MS_MAX // 2),
    ):
        near = Node("a", 1, wake_period_ms=period_ms).agent.neighbours
        assert near.silent_ms_max == silent_ms


def test_a_first_boot_sets_all_timers_and_says_so():
    firsts = []
    for number in range(40):
        node = started(number)
        timers = node.agent._timers
        assert node.out.reports == [(EVENT_STARTED, 1)] and node.agent.uptime_ms() == 0
        assert timers.at_ms(TIMER_EXPIRE) == later(EXPIRE_MS)
        for timer_id, bound_ms in (
            (TIMER_ANNOUNCE, ANNOUNCE_JITTER_MS),
            (TIMER_TELEMETRY, TELEMETRY_MS),
        ):
            assert 0 <= ticks_diff(timers.at_ms(timer_id), START_MS) < bound_ms
        firsts.append(ticks_diff(timers.at_ms(TIMER_TELEMETRY), START_MS))
        assert node.agent.next_wake_at_ms() == timers.at_ms(timers.next(START_MS))
    assert max(firsts) > TELEMETRY_MS * 3 // 4 and min(firsts) < TELEMETRY_MS // 4


def test_the_radio_is_charged_from_the_boot_on():
    node = started(currents=CURRENTS)
    node.agent.on_time(later(EXPIRE_MS), node.out)
    assert used_nc(node)[:2] == [0, 95_000 * EXPIRE_MS]


def test_a_sleeper_that_starts_listens_first():
    node = started(wake_period_ms=PERIOD_MS)
    schedule = node.agent.schedule
    assert schedule.is_seeking and schedule.clock.is_lost and schedule.is_open
    assert node.agent.transmitter.is_open and node.out.radios == [] and node.out.sleeps == []


def test_a_snapshot_that_is_lost_is_said_before_the_start():
    node = Node("a", 1, wake_period_ms=PERIOD_MS)
    node.start(START_MS, CAUSE_DEEP_SLEEP, b"nothing")
    assert node.out.reports == [(EVENT_SNAPSHOT_LOST, 0), (EVENT_STARTED, 1)]


def asleep(node, now_ms, span_ms, boot_ms=400):
    """Let a node sleep deep; return what woke, that long after the instant it had asked for."""
    buffer = bytearray(node.agent.snapshot_bytes)
    node.agent.schedule._asleep_until_ms = ticks_add(now_ms, span_ms)
    node.agent.governor.sleep(node.agent.schedule._asleep_until_ms, SLEEP_DEEP)
    node.agent.hibernate(now_ms, buffer)
    settings = {"wake_period_ms": PERIOD_MS, "currents": CURRENTS, "dormant_mv": 3_000}
    woken = Node("a", 1, table=node.table, **settings)
    return woken, buffer, ticks_add(now_ms, span_ms + boot_ms)


def test_a_wake_charges_sleep_and_boot_and_goes_on():
    node = started(wake_period_ms=PERIOD_MS, currents=CURRENTS, dormant_mv=3_000)
    assert not any(used_nc(node))
    woken, buffer, now_ms = asleep(node, START_MS, 10_000)
    woken.start(now_ms, CAUSE_DEEP_SLEEP, buffer)
    assert woken.out.reports == [(EVENT_RESUMED, 1)] and woken.out.radios == [False]
    assert woken.agent.schedule.boot_ms == 400
    # The boot is charged as sleep as well: a ten-thousandth of what it takes.
    assert used_nc(woken) == [80_000 * 400, 0, 0, 0, 0, 8 * 10_400]
    assert woken.agent.uptime_ms() == 10_400 and not woken.agent.transmitter.is_open


def test_who_wakes_with_a_charged_battery_looks_for_the_others_at_once():
    node = started(wake_period_ms=PERIOD_MS, currents=CURRENTS, dormant_mv=3_000)
    node.agent.on_battery(2_900)
    node.agent.on_time(START_MS, node.out)
    assert not node.agent._has_radio
    woken, buffer, now_ms = asleep(node, START_MS, 10_000)
    woken.agent.on_battery(3_500)
    woken.start(now_ms, CAUSE_DEEP_SLEEP, buffer)
    assert woken.agent.governor.modes.mode == MODE_DORMANT and woken.out.radios == [False]
    for _ in range(3):
        woken.agent.on_battery(3_500)
    assert woken.agent.governor.modes.has_radio
    assert woken.agent.next_wake_at_ms() == now_ms
    woken.agent.on_time(now_ms, woken.out)
    assert woken.agent.schedule.clock.is_lost and woken.agent.schedule.is_open
    assert woken.out.radios == [False, True]


def test_a_wake_that_ends_a_dormant_time_looks_for_the_others_before_it_may_sleep():
    node = started(wake_period_ms=PERIOD_MS, currents=CURRENTS, dormant_mv=3_000)
    node.agent.on_battery(2_900)
    node.agent.on_time(START_MS, node.out)
    for _ in range(2):
        node.agent.on_battery(3_500)
    woken, buffer, now_ms = asleep(node, START_MS, 10_000)
    woken.agent.on_battery(3_500)
    woken.start(now_ms, CAUSE_DEEP_SLEEP, buffer)  # with the third reading that agrees
    assert woken.agent.governor.modes.has_radio and woken.out.radios == [False, True]
    woken.agent.set_up(now_ms, lambda agent: None, woken.out)
    assert woken.agent.schedule.is_seeking and woken.out.sleeps == []
    assert (EVENT_POWER_MODE, 2) in woken.out.reports


# --- whose effects ---


def test_each_steps_effects_go_to_the_sink_it_was_given():
    def setup(agent):
        agent.report("set up")
        agent.on("t")(lambda message: agent.report("heard"))
        agent.every(1_000)(lambda: agent.report("tick"))

    node = started()
    sinks = [Script() for _ in range(5)]
    assert node.agent.set_up(START_MS, setup, sinks[0])
    hear(node, made(frame.KIND_MESSAGE, ["t", 1]), START_MS, sinks[1])
    node.agent.on_time(later(1_000), sinks[2])
    node.agent.recovery.is_safe = True
    node.agent.leave_safe_mode(later(1_500), sinks[3])
    node.agent.stop(later(2_000), sinks[4])
    told = [[name for name, _ in sink.events] for sink in sinks]
    assert told == [["set up"], ["heard"], ["tick"], [], []]
    assert (EVENT_NEIGHBOUR_JOINED, STRANGER) in sinks[1].reports
    assert (EVENT_SAFE_MODE_LEFT, 0) in sinks[3].reports and sinks[3].reboots == [REBOOT_ASKED]
    node.agent.application.report("a task of its own")
    assert sinks[4].events == [("a task of its own", None)]
    assert node.agent.uptime_ms() == 2_000


def test_what_a_setup_says_and_keeps_leaves_with_it():
    def setup(agent):
        agent.state.critical("n")
        agent.state["n"] = 5
        agent.publish("hello", 1)

    node = started()
    assert node.agent.set_up(START_MS, setup, node.out)
    assert [data[1] for data in node.out.frames] == [frame.KIND_MESSAGE]
    assert node.table.values[b"sn"] == b"\x05"


def test_a_setup_that_raises_leaves_nothing_behind():
    def setup(agent):
        agent.every(1_000)(lambda: None)
        agent.on("t")(lambda message: None)
        raise ValueError("x")

    node = started()
    assert not node.agent.set_up(START_MS, setup, node.out)
    assert node.agent._timers.count == 4 and node.agent.application.handlers() == []
    assert node.out.errors == [("setup", "ValueError")]


def test_a_clock_that_goes_back_takes_no_time_away():
    node = started()
    node.agent.on_time(later(1_500), node.out)
    node.agent.on_time(later(1_400), node.out)
    assert node.agent.uptime_ms() == 1_500
    node.agent.on_time(later(2_400), node.out)
    assert node.agent.uptime_ms() == 2_500 and node.agent.uptime_s == 2


# --- waking ---


def test_an_instant_of_zero_is_one():
    node = Node("a", 1)
    boot_ms = TICKS_PERIOD - 100
    node.start(boot_ms)
    for timer_id in (TIMER_ANNOUNCE, TIMER_TELEMETRY, TIMER_EXPIRE):
        node.agent._timers.set(timer_id, 5_000)
    node.agent.recovery._is_watching = True
    node.agent.recovery._healthy_at_ms = node.agent.recovery._settled_at_ms = 0
    assert node.agent.next_wake_at_ms() == 0


def test_a_new_mode_is_followed_at_once():
    node = started(dormant_mv=3_000, saving_mv=3_400)
    assert node.agent.next_wake_at_ms() != START_MS
    node.agent.on_battery(3_500)
    assert node.out.reports == [(EVENT_STARTED, 1)]
    node = started(dormant_mv=3_000)
    node.agent.on_battery(2_900)
    assert node.agent.next_wake_at_ms() == START_MS
    assert not node.agent._timers.has_application and node.agent._may_sleep
    node.agent.on_time(START_MS, node.out)
    assert (EVENT_POWER_MODE, MODE_DORMANT) in node.out.reports
    assert node.out.radios == [False] and len(node.out.sleeps) == 1


def test_what_nobody_acknowledged_is_counted():
    node = started()
    node.agent.on_undelivered()
    node.agent.on_undelivered()
    assert node.status("undelivered") == 2


def test_a_message_whose_rest_does_not_come_is_given_up_in_time():
    node = started()
    data = made(frame.KIND_FRAGMENT, [1, 0, 2, frame.KIND_MESSAGE, bytes(216)])
    hear(node, data)
    due_at_ms = later(REASSEMBLY_MS_MAX)
    assert node.agent.router.next_at_ms(START_MS) == due_at_ms
    node.agent.on_time(ticks_add(due_at_ms, -1), node.out)
    assert node.status("dropped") == {}
    node.agent.on_time(due_at_ms, node.out)
    assert node.status("dropped") == {"fragment incomplete": 1}
    assert node.agent.router.next_at_ms(due_at_ms) == -1


def test_a_healthy_span_is_noticed_awake_and_before_a_sleep():
    for is_asleep in (False, True):
        table = MemoryTable()
        for cause in (CAUSE_POWER_ON, CAUSE_PANIC):
            node = started(cause=cause, table=table, wake_period_ms=PERIOD_MS)
        assert table.values[BOOT_KEY][2] == 4
        healthy_ms = later(HEALTHY_MS)
        if is_asleep:
            buffer = bytearray(node.agent.snapshot_bytes)
            node.agent.hibernate(ticks_add(healthy_ms, -1), buffer)
            assert table.values[BOOT_KEY][2] == 4
            node.agent.hibernate(healthy_ms, buffer)
        else:
            node.agent.on_time(ticks_add(healthy_ms, -1), node.out)
            assert table.values[BOOT_KEY][2] == 4
            node.agent.on_time(healthy_ms, node.out)
        assert table.values[BOOT_KEY][2] == 0
        assert node.agent.recovery.next_at_ms() == -1
