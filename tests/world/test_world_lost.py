"""An agent that is no more leaves nothing for the collector, and nothing that still acts."""

import gc
import weakref

import pytest

from cma_toolkit.sim.world.fleet import Fleet


def setup(agent):
    soil = agent.sensor("soil")
    agent.state["n"] = agent.state.get("n", 0) + 1

    @agent.every(10_000)
    def sample():
        agent.publish("moisture", soil.read())

    @agent.on("moisture")
    def take(message):
        agent.state["last"] = message.value


@pytest.fixture
def uncollected():
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    yield
    if was_on:
        gc.enable()


@pytest.mark.parametrize("settings", [{"wake_period_ms": 10_000}, {}], ids=["asleep", "awake"])
def test_nothing_waits_for_the_collector(uncollected, settings):
    fleet = Fleet(setup, agents=3, settings=settings, power_cuts=[(30, 0), (31, 1)])
    fleet.run(5)
    gc.collect()
    fleet.run(115)
    boots = [board._boots for board in fleet.boards]
    assert boots[0] > 1 and boots[1] > 1
    assert gc.collect() == 0


def test_an_agent_goes_at_once(uncollected):
    fleet = Fleet(setup, agents=2)
    fleet.run(5)
    agent = weakref.ref(fleet.boards[0].agent)
    assert agent() is not None
    fleet.boards[0].cut_power()
    assert agent() is None


def test_what_an_application_kept_acts_no_more():
    kept = []

    def keep(agent):
        kept.append(agent)

    fleet = Fleet(keep, agents=1)
    fleet.run(5)
    fleet.boards[0].cut_power()
    old = kept[0]
    assert old.name == "nobody"
    fleet.run(5)
    old.reboot()
    fleet.run(60)
    assert fleet.boards[0]._boots == 2
