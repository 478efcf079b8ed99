"""An agent that has used up its day says that it is there, and nothing more."""

from kernel.codec import cbor, frame
from kernel.config import STATE_ACTIVE, STATE_NAMES, Config
from kernel.errors import CAUSE_POWER_ON, EVENT_POWER_MODE
from kernel.limits import ANNOUNCE_MS
from kernel.power.modes import MODE_CRITICAL, MODE_DORMANT
from kernel.ticks import ticks_add
from support.pair import Pair
from support.sleeper import Sleeper

CURRENTS = {"active": 30_000, "wifi_rx": 90_000, "wifi_tx": 200_000, "deep_sleep": 10}


def chatter(agent):
    """Publish ten times a second."""
    agent.every(100)(lambda: agent.publish("t", 1))


def heard(pair, kind):
    """Return how many frames of a kind `a` was heard to send."""
    source = pair.a.identity.node
    return len([
        data for data in pair.heard if data[1] == kind and frame.read_source(data) == source
    ])  # fmt: skip


def test_a_budget_refuses_what_it_cannot_afford():
    # A receiver that is always on uses up this day in its first minutes.
    pair = Pair(chatter, None, budget_uah_per_day=2_400, currents=CURRENTS)
    pair.run(300_000)
    assert pair.a.status("dropped")["no energy"] > 0
    before = heard(pair, frame.KIND_MESSAGE)
    pair.run(60_000)
    assert heard(pair, frame.KIND_MESSAGE) == before
    assert not pair.a.agent.application.publish("t", 1)


def test_an_agent_whose_listening_used_up_its_day_does_not_vanish():
    budget = {"budget_uah_per_day": 2_400, "currents": CURRENTS}
    poor, rich = Pair(**budget), Pair(currents=CURRENTS)
    for pair in (poor, rich):
        pair.run(300_000)  # 7.5 mAh: more than three days
        assert (pair is rich) is pair.a.agent.application.publish("t", 1)
    for kind in (frame.KIND_ANNOUNCE, frame.KIND_TELEMETRY):
        assert heard(poor, kind) == heard(rich, kind) > 0
    assert "no energy" not in rich.a.status("dropped")


def test_without_a_budget_nothing_is_refused():
    pair = Pair(chatter, None, currents=CURRENTS)
    pair.run(40_000)
    assert "no energy" not in pair.a.status("dropped")
    assert 850 <= pair.a.status("used_uah") <= 1_100  # 90 mA for 40 s, and 400 frames


class Busy(Sleeper):
    """A board whose driver tells how long each step took: half a second if it has a handler."""

    has_handled = False
    work_ms = 0  # in steps that ended with sleep

    def handle(self):
        """Be called by the agent."""
        self.has_handled = True

    def _carry_out(self):
        began_ms, span_ms = self.now_ms, 500 if self.has_handled else 0
        self.has_handled = False
        if self.out.sleeps:
            self.work_ms += span_ms
        self.now_ms = ticks_add(began_ms, span_ms)
        self.agent.on_spent(began_ms, span_ms)
        super()._carry_out()


def test_the_time_of_handlers_is_work_though_their_step_ends_asleep():
    for deep_sleep_ms in (1000, 86_400_000):
        board = Busy(
            # `board` is there only when a handler is called.
            lambda agent: agent.every(10_000)(lambda: board.handle()),  # noqa: B023, PLW0108
            wake_period_ms=60_000,
            deep_sleep_ms=deep_sleep_ms,
            currents=CURRENTS,
        )
        board.run(3_600_000)
        assert (board.lights > 100) is (deep_sleep_ms > 1000) and board.work_ms > 120_000
        # What did not end with sleep ran at the receiver's current, which has this one in it.
        uah = board.agent.governor.energy.uah[STATE_ACTIVE]
        assert abs(uah - CURRENTS["active"] * board.work_ms // 3_600_000) <= 1


def test_handlers_stop_when_their_hour_is_used_up_and_go_on_later():
    calls = []
    pair = Pair(lambda agent: agent.on("t")(calls.append))
    pair.run(ANNOUNCE_MS)
    pair.a.agent.on_spent(pair.now_ms, 400_000)
    pair.b.agent.application.publish("t", 1)
    pair.run(1000)
    assert calls == [] and pair.a.status("dropped") == {"over quota": 1}
    pair.run(400_000)
    pair.b.agent.application.publish("t", 1)
    pair.run(1000)
    assert len(calls) == 1


def test_a_weak_battery_stops_the_application_and_then_the_radio():
    calls = []
    pair = Pair(
        lambda agent: agent.every(1000)(lambda: calls.append(1)),
        None,
        saving_mv=3600,
        critical_mv=3400,
        dormant_mv=3200,
    )
    agent = pair.a.agent
    agent.on_battery(3700)
    pair.run(3000)
    assert len(calls) == 3
    for _ in range(20):
        agent.on_battery(3300)
    pair.run(3000)
    assert len(calls) == 3 and (EVENT_POWER_MODE, MODE_CRITICAL) in pair.a.out.reports
    assert pair.a.status("mode") == "critical"
    for _ in range(20):
        agent.on_battery(3000)
    pair.run(1000)
    assert (EVENT_POWER_MODE, MODE_DORMANT) in pair.a.out.reports
    assert pair.a.out.radios[-1] is False


def test_a_dormant_agent_sleeps_long_and_wakes_when_its_battery_is_charged():
    board = Sleeper(None, wake_period_ms=10_000, dormant_mv=3200)
    board.battery_mv = 3900
    board.run(60_000)
    board.battery_mv = 3000
    board.run(1_800_000)  # down step by step, three readings each
    assert board.agent.status()["mode"] == "dormant"
    wakes = len(board.wakes)
    board.frames.clear()
    board.run(3 * 3_600_000)
    assert len(board.wakes) - wakes <= 4 and board.frames == []
    board.battery_mv = 3900
    for _ in range(5):
        board.forget()
        board.run(3_600_000)
    assert board.agent.status()["mode"] == "normal" and board.frames


def test_after_days_without_power_it_looks_for_the_others_at_once():
    board = Sleeper(None, wake_period_ms=10_000, dormant_mv=3200)
    board.battery_mv = 3900
    board.run(60_000)
    board.battery_mv = 3000
    board.run(1_800_000)
    for _ in range(8):
        board.run(10 * 3_600_000)
    board.frames.clear()
    board.battery_mv = 3900
    for _ in range(50):
        board.run(360_000)
        if board.frames:
            return
    raise AssertionError("silent for five hours")


def test_what_another_may_not_hear_takes_no_number():
    def shout(agent):
        agent.every(50)(lambda: [agent.publish("t", 1) for _ in range(6)])

    pair = Pair(shout)
    pair.run(40_000)
    assert pair.a.status("dropped")["over quota"] > 100
    assert pair.b.status("lost") == 0


def test_an_agent_that_is_always_awake_sleeps_when_its_battery_is_empty():
    board = Sleeper(None, dormant_mv=3200)
    board.battery_mv = 3000
    board.boot(CAUSE_POWER_ON)
    board.run(3 * 3_600_000)
    assert 2 <= len(board.wakes) <= 4


def test_a_flood_of_pings_cannot_take_the_air_from_others():
    pair = Pair()
    pair.run(2 * ANNOUNCE_MS)
    pair.heard.clear()
    stranger = 12_345
    for number in range(20_000):
        data = bytearray(30)
        frame.write_header(data, frame.KIND_PING, 7, stranger, pair.a.identity.node, number)
        data[14:30] = cbor.encode(bytes(15))
        pair.send(pair.a, data)
        pair.a.out.take_frames()
    assert pair.a.status("dropped")["over quota"] > 10_000
    pair.run(2 * ANNOUNCE_MS)
    assert heard(pair, frame.KIND_ANNOUNCE) >= 1


def test_names_of_currents_are_those_of_a_board():
    config = Config()
    config.take_currents({"active": 5, "deep_sleep": "x", "unknown": 1})
    assert config.currents_ua == (5, 0, 0, 0, 0, 0) and len(STATE_NAMES) == 6
