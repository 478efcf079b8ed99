"""No checker is blind where it seems to look: beside what is left out, it finds what is wrong."""

import binascii
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.limits import NEIGHBOURS_MAX, SEQUENCE_WINDOW
from cma_toolkit.firmware.kernel.mesh.windows import Windows
from cma_toolkit.firmware.kernel.state.values import State
from cma_toolkit.sim.scenario.must import broken
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.scenario.replay import failure_line
from cma_toolkit.sim.scenario.run import Outcome
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.checkers.convergence import Convergence
from cma_toolkit.sim.world.checkers.duplicates import Duplicates, _Window
from cma_toolkit.sim.world.checkers.energy import Energy
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.host import describe
from cma_toolkit.sim.world.watcher import Violation
from support.fault_world import CURRENTS_UA, fault, run


def quiet(agent: Any) -> None:
    agent.state["here"] = 1


def test_durability_leaves_out_the_flash_that_rots_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(State, "is_critical_changed", lambda self: False)
    cuts = fault("brown-out-loop", 20, 60, agent=1, period_ms=1_700, dark_ms=100)
    rot = fault("bit-rot", 25, 30, agent=0, count=1)
    with pytest.raises(Violation, match=r"^durability: agent-02 .* agent.state\['count'\] "):
        run(cuts, rot, watchers=menu.make(["durability"]))


def test_duplicates_looks_at_an_agent_whose_table_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Windows, "accept", lambda self, row, sequence, broadcast: True)
    crowd = {"agents": NEIGHBOURS_MAX + 2, "setup": quiet, "seconds": 40}
    with pytest.raises(Violation, match=r"^duplicates: .* twice"):
        run(
            fault("duplicate", 35, 40, permille=300),
            watchers=menu.make(["duplicates"]),
            **crowd,
        )


def test_duplicates_is_silent_about_a_crowd_that_no_table_holds() -> None:
    crowd = {"agents": NEIGHBOURS_MAX + 6, "setup": quiet, "seconds": 40}
    run(
        fault("duplicate", 5, 40, permille=500, span_ms=2_000),
        watchers=menu.make(["duplicates"]),
        **crowd,
    )


@pytest.mark.parametrize("loss_permille", [310, 600])
def test_convergence_demands_links_however_much_all_of_them_lose(loss_permille: int) -> None:
    options = {"setup": quiet, "agents": 3, "loss_permille": loss_permille}
    converging = Convergence(1_000, 400_000)
    run(watchers=[converging], seconds=402, **options)
    assert converging.converged_at_ms > 10_000
    with pytest.raises(Violation, match="does not hear"):
        run(
            fault("radio-dead", 0, 500, agent=0),
            watchers=[Convergence(1_000, 400_000)],
            seconds=402,
            **options,
        )


def test_convergence_refuses_an_air_in_which_nothing_arrives() -> None:
    with pytest.raises(Violation, match="does not hear"):
        run(watchers=[Convergence(0, 30_000)], loss_permille=1_000, setup=quiet, seconds=31)


def empty_one(**options: Any) -> Convergence:
    """Run a world whose batteries are all empty soon, for want of sun."""
    converging = Convergence(60_000, 60_000, ["here"])
    run(
        watchers=[converging],
        setup=quiet,
        seconds=130,
        currents=CURRENTS_UA,
        supply={"capacity_mah": 1, "charge_percent": 30},
        **options,
    )
    return converging


def test_convergence_asks_nothing_of_a_board_whose_battery_is_empty() -> None:
    assert empty_one().converged_at_ms == -1


def test_keys_that_nobody_has_do_not_agree() -> None:
    with pytest.raises(Violation, match=r"no agent has agent\.state\['nope'\]"):
        run(watchers=[Convergence(0, 60_000, ["nope"])], setup=quiet, seconds=61)
    made, _notes = run(setup=quiet, seconds=5)
    states = [binascii.hexlify(cbor.encode(state, 64)).decode() for state in made.states()]
    result = {"names": made.names, "states": states, "error_count": 0, "published": 0}
    told = Must(agree=("here",)), Must(agree=("here", "nope"))
    assert [broken(must, {**result, "statuses": []}) for must in told] == [
        "",
        "no agent has nope: nothing is agreed",
    ]


def ended(**values: Any) -> dict[str, Any]:
    """Return what is looked at of a run of two agents, the second of them without power."""
    states = [binascii.hexlify(cbor.encode(state, 64)).decode() for state in ({"level": 7.5}, {})]
    names = ["agent-01", "agent-02"]
    statuses = [{"name": "agent-01", "neighbours": 0}, {"name": "agent-02"}]
    plain = {"names": names, "states": states, "statuses": statuses, "supply": [{}, {}]}
    return {**plain, "error_count": 0, "errors": [], "published": 0, **values}


def test_an_empty_battery_agrees_with_everyone_and_reaches_nothing() -> None:
    assert broken(Must(agree=("level",)), ended()) == ""
    assert "agent-02 has level = None" in broken(Must(agree=("level",)), ended(supply=[]))
    nobody = ended(statuses=[{"name": "agent-01"}, {"name": "agent-02"}])
    assert "no agent has power any more" in broken(Must(agree=("level",)), nobody)
    assert "agent-02 has level = None" in broken(Must(state_at_least={"level": 7}), ended())
    assert "no agent has levle: it" in broken(Must(state_at_least={"levle": 7}), ended())
    assert "agent-01 has level = 7.5" in broken(Must(state_at_least={"level": 8}), ended())


def test_an_exception_is_told_with_its_type_and_all_of_its_text() -> None:
    try:
        raise ValueError("too wet\n  or too dry")
    except ValueError as error:
        told = describe(error)
    failure = broken(Must(), ended(error_count=1, errors=[[5, "agent-01", "tell", told]]))
    assert failure.startswith("agent-01 raised ValueError: too wet\n  or too dry in tell at 0.005")
    line = failure_line(Outcome(1, failure, 60), Path("field.toml"), ())
    assert "\n" not in line and "ValueError: too wet   or too dry in tell" in line


def test_duplicates_holds_every_number_that_may_be_the_newest_after_a_corrupted_frame() -> None:
    window = _Window(1_000)
    assert not window.is_restart(1_000 - SEQUENCE_WINDOW + 1)
    window.newest.append(1_000 - SEQUENCE_WINDOW // 2)
    assert window.is_restart(1_000 - SEQUENCE_WINDOW), "as seen from the first"
    window.add(1_000 - 1, b"late for the one")
    assert window.newest == [1_000, 1_000 - 1]
    window.add(1_001, b"next")
    assert window.newest == [1_001]


def test_duplicates_goes_on_with_the_newest_number_and_knows_late_ones() -> None:
    window = _Window(0xFFF0)
    for number in (0xFFF5, 0x0003, 0x0001):
        window.add(number, bytes([number & 0xFF]))
    assert window.newest == [0x0003] and window.frames == [b"\xf5", b"\x03", b"\x01"]
    for late in range(3, 3 + SEQUENCE_WINDOW):
        window.add(late, bytes([late]))
    assert window.newest == [2 + SEQUENCE_WINDOW] and len(window.frames) == SEQUENCE_WINDOW


def test_duplicates_looks_at_what_comes_after_a_corrupted_frame() -> None:
    made = Fleet(lambda _agent: None, 2, 1)
    checker, everyone = Duplicates(), bytes((0x3F, 0xFF, 0xFF, 0xFF))
    checker.begin(made)
    checker._has_corruption = True
    checker._windows[1] = {made.boards[0].node: {everyone: _Window(1_000)}}
    made.run(3)
    head = bytes((0x11, 4, 0, 1)) + made.boards[0].node.to_bytes(4, "big") + everyone
    checker.arrived(made, 0, 1, head + (990).to_bytes(2, "big") + b"corrupted")
    window = checker._windows[1][made.boards[0].node][everyone]
    assert window.newest == [1_000, 990] and window.frames == []


def test_energy_leaves_out_who_boots_while_its_clock_is_wrong() -> None:
    drifts = [fault("clock-drift", 10, 500, agent=0, ppm=100_000) for _ in range(2)]
    crash = fault("crash", 20, 21, agent=0)
    watchers = menu.make(["energy"])
    run(
        *drifts, crash, watchers=watchers, currents=CURRENTS_UA, seconds=300, setup=quiet, agents=2
    )


def test_energy_looks_at_who_boots_while_the_clock_of_another_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Energy, "_over_ua", lambda self, account: 10_000_000)
    drift = fault("clock-drift", 10, 500, agent=0, ppm=100_000)
    options = {"currents": CURRENTS_UA, "seconds": 300, "setup": quiet, "agents": 2}
    with pytest.raises(Violation, match=r"^energy: agent-02 .* counts "):
        run(drift, fault("crash", 20, 21, agent=1), watchers=menu.make(["energy"]), **options)
