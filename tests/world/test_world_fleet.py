"""Many agents in one process: they meet, talk, lose frames and power, and never share anything."""

import gc
import sys
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD
from cma_toolkit.sim.world import driver, micropython
from cma_toolkit.sim.world.app_loader import AppError, load_setup
from cma_toolkit.sim.world.clock import Clock, ticks_at
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.host import ERRORS_KEPT_MAX
from cma_toolkit.sim.world.trace import BOOT, Trace

APPS = Path(__file__).parent / "apps"


def fleet(app: str = "chatter", seconds: int = 20, **options: Any) -> Fleet:
    made = Fleet(load_setup(str(APPS / f"{app}.py")), **options)
    made.run(seconds)
    return made


def counts(made: Fleet, field: str) -> list[Any]:
    return [status.get(field) for status in made.statuses()]


def test_agents_in_reach_hear_every_message() -> None:
    made = fleet(agents=4, seed=3)
    assert counts(made, "neighbours") == [3, 3, 3, 3]
    published = [sum(m[1] == name for m in made.log.messages) for name in made.names]
    heard = [values["heard"] for values in made.states()]
    in_flight = 4
    for index in range(4):
        others = sum(published) - published[index]
        assert others - in_flight <= heard[index] <= others


def test_one_seed_is_one_run_and_another_seed_another() -> None:
    digests = [fleet(agents=3, seed=seed, loss_permille=100).digest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_the_order_of_fleets_does_not_matter() -> None:
    alone = fleet(agents=3).digest()
    fleet("harsh", 5, agents=2)
    assert fleet(agents=3).digest() == alone


def test_lost_frames_are_counted_by_who_missed_them() -> None:
    made = fleet(agents=3, seconds=120, loss_permille=200)
    sent, received, lost = (sum(counts(made, key)) for key in ("sent", "received", "lost"))
    assert received < sent * 2 * 0.85
    # Each broadcast could have reached two; gaps show almost all that did not.
    assert 0.9 < lost / (sent * 2 - received) <= 1.0


def test_total_loss_is_silence() -> None:
    made = fleet(agents=3, loss_permille=1000)
    assert counts(made, "received") == [0, 0, 0]


def test_range_decides_who_hears_whom() -> None:
    made = fleet(agents=40, seed=2, range_m=15)
    neighbours = counts(made, "neighbours")
    assert 0 < sum(neighbours) < 40 * 39
    positions_cm = made.places.positions_cm
    for index, (x, y, _z) in enumerate(positions_cm):
        close = sum((x - a) ** 2 + (y - b) ** 2 <= 1_500**2 for a, b, _c in positions_cm) - 1
        assert neighbours[index] == close


def test_power_cuts_keep_state_and_count_boots() -> None:
    made = fleet(agents=3, seconds=60, power_cuts=[(20, 1), (40, 1)])
    assert counts(made, "boots") == [1, 3, 1]
    heard = [values["heard"] for values in made.states()]
    assert isinstance(heard[1], int) and heard[1] > 90
    assert counts(made, "neighbours") == [2, 2, 2]
    uptimes = counts(made, "uptime_ms")
    assert uptimes[1] <= 18_000 < uptimes[0]


def test_an_application_may_reboot_its_agent_and_finds_its_state_again() -> None:
    def setup(agent: Any) -> None:
        agent.state["starts"] = agent.state.get("starts", 0) + 1

        @agent.every(10_000)
        def again() -> None:
            agent.reboot()

    made = Fleet(setup, agents=2)
    made.run(35)
    assert counts(made, "boots") == [4, 4]
    assert made.states() == [{"starts": 4}] * 2
    assert max(counts(made, "uptime_ms")) < 10_000


def test_an_agent_that_is_always_due_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agent, "next_wake_at_ms", lambda self: self._now_ms)
    with pytest.raises(AssertionError, match="always due"):
        fleet(agents=1, seconds=2)


def test_a_frame_to_an_agent_without_power_is_undelivered() -> None:
    def setup(agent: Any) -> None:
        agent.every(500)(lambda: agent.publish("t", 1, to="agent-02"))

    made = Fleet(setup, agents=2, power_cuts=[(20, 1)])
    made.run(20)
    assert counts(made, "undelivered")[0] == 0
    made.run(2)
    assert counts(made, "undelivered")[0] >= 3


def test_the_application_of_one_agent_cannot_reach_another() -> None:
    made = fleet(agents=2, sensors={"level": {"agents": [1, 2]}})
    values = {(m[1], m[3]) for m in made.log.messages}
    assert values == {("agent-01", 1), ("agent-02", 2)}
    assert {a[1:] for a in made.log.actuations} == {
        ("agent-01", "lamp", 2),
        ("agent-02", "lamp", 1),
    }


def test_errors_are_counted_beyond_what_is_kept() -> None:
    def setup(agent: Any) -> None:
        agent.every(10)(lambda: 1 // 0)

    made = Fleet(setup, agents=2)
    made.run(10)
    assert len(made.log.errors) == ERRORS_KEPT_MAX < made.log.error_count
    assert "ZeroDivisionError" in made.log.errors[0][3]


def test_progress_is_told_and_ends_at_all() -> None:
    told: list[tuple[int, int, int]] = []
    fleet = Fleet(lambda agent: None, agents=1)
    fleet.run(50, lambda *progress: told.append(progress))
    assert told[-1] == (50, 50, fleet.clock.scheduled) and len(told) == 100
    assert told == sorted(told)


def test_every_run_crosses_the_wrap_of_the_ticks() -> None:
    assert ticks_at(0) > TICKS_PERIOD - 60_000
    assert ticks_at(60_000) < 60_000


def test_events_of_one_instant_come_in_the_order_of_their_scheduling() -> None:
    clock = Clock()
    for number in range(5):
        clock.schedule(10, 0, number)
    clock.schedule(5, 0, 9)
    taken = [clock.take(100) for _ in range(6)]
    assert [event[1] for event in taken if event] == [9, 0, 1, 2, 3, 4]
    assert clock.take(100) is None and clock.now_ms == 100
    clock.schedule(50, 0, 1)
    assert clock.take(101) == (0, 1, b"") and clock.now_ms == 100


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (None, "no such file"),
        ("def setup(agent)\n    pass\n", "correct it"),
        ("x = 1\n", "no function setup"),
        ("1 // 0\n", "raised while it was loaded"),
        ("import nothing_of_that_name\n", "raised while it was loaded"),
    ],
)
def test_an_application_that_cannot_be_loaded_says_why(
    tmp_path: Path, source: str | None, says: str
) -> None:
    app = tmp_path / "app.py"
    if source is not None:
        app.write_text(source)
    with pytest.raises(AppError, match=says) as caught:
        load_setup(str(app))
    assert str(app) in str(caught.value)


# What keeps something: the file, a module, one of a folder without __init__.py, and a late one.
KEEPING = """
import counting
from spread.deep import far
own = []
def setup(agent):
    import late
    told = []
    for kept in (own, counting.starts, far.starts, late.starts):
        kept.append(1)
        told.append(len(kept))
    agent.report("starts", told)
"""


def keeping(folder: Path) -> Path:
    (folder / "spread" / "deep").mkdir(parents=True)
    for name in ("counting", "spread/deep/far", "late"):
        (folder / f"{name}.py").write_text("starts = []\n")
    app = folder / "app.py"
    app.write_text(KEEPING)
    return app


@pytest.mark.parametrize("typed", ["app.py", "./app.py", "spread/../app.py", "{}/app.py"])
def test_every_start_runs_all_that_is_its_own_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    keeping(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules), list(sys.path)
    made = Fleet(load_setup(typed.format(tmp_path)), agents=3, power_cuts=[(5, 1)])
    made.run(10)
    assert [event[3] for event in made.log.events] == [[1, 1, 1, 1]] * 4
    assert not {"counting", "spread", "spread.deep", "late"} & (set(sys.modules) - before[0])
    assert sys.path == before[1]


def test_in_micropython_too_all_that_is_its_own_starts_anew(tmp_path: Path) -> None:
    described = {"app": str(keeping(tmp_path)), "agents": 3, "seconds": 10, "seed": 1,
                 "loss_permille": 0, "range_m": 0, "sensors": {},
                 "power_cuts": [[5, 1]]}  # fmt: skip
    here, there = driver.run(described), micropython.run(described)
    assert here == there
    assert {event[3] for event in there["events"]} == {"8401010101"}


def test_projects_do_not_share_modules(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "shared_name_of_tests.py").write_text(f"WHO = {name!r}\n")
        (folder / "app.py").write_text(
            "from shared_name_of_tests import WHO\ndef setup(agent):\n    agent.report(WHO)\n"
        )
        made = Fleet(load_setup(str(folder / "app.py")), agents=1)
        made.run(2)
        assert made.log.events[0][2] == name


def test_the_trace_tells_every_agent_and_every_instant_apart() -> None:
    digests = set()
    for at_ms, agent in ((7, 0), (7, 1), (7, 256), (7 + (1 << 32), 0)):
        told = Trace(257)
        told.add(BOOT, at_ms, agent, b"x")
        digests.add(told.digest())
    assert len(digests) == 4


def test_a_run_leaves_the_garbage_collector_as_it_was() -> None:
    before = gc.get_threshold()
    told: list[tuple[int, ...]] = []
    Fleet(lambda agent: None, agents=1).run(1, lambda *_: told.append(gc.get_threshold()))
    assert gc.get_threshold() == before and told[0] > before

    def setup(agent: Any) -> None:
        raise KeyboardInterrupt  # as a person who has waited long enough

    with pytest.raises(KeyboardInterrupt):
        Fleet(setup, agents=1).run(2)
    assert gc.get_threshold() == before


def test_that_all_agents_wake_is_no_reason_to_look_for_garbage() -> None:
    told: list[int] = []
    for agents in (1, 21):
        made = Fleet(lambda agent: None, agents=agents)
        asleep = len(gc.get_objects())
        made.run(20, lambda *_: told.append(gc.get_threshold()[0]))
        assert all(board.agent is not None for board in made.boards)
        new = len(gc.get_objects()) - asleep
    assert new < told[-1] - told[0]
