"""Attack 90: a release that breaks boards, brought to all of a fleet."""

from dataclasses import replace
from pathlib import Path

from attacks.attack import attack, check, stopped
from attacks.places import DECIDE

from cma_toolkit.host_tools.rollout.desk import Desk, node_of
from cma_toolkit.host_tools.rollout.records import HALTED
from support.rollouts import TERMS, agents_of, begin, live, opened

BOARDS, FAILURES_MAX, MOST = 1_000, 9, 20  # it halts above 1 %, and 2 % ever get it


@attack(
    check(
        "halting when too many fail",
        DECIDE,
        "    why = why_halt(rollout, members)",
        '    why = ""',
    )
)
def test_attack_90_bad_release_for_a_thousand_boards(tmp_path: Path) -> None:
    """The canaries are well; what it does to all others shows only later."""
    with opened(tmp_path / "fleet.db") as store:
        terms = replace(TERMS, failures_max=FAILURES_MAX, soak_s=60)
        begin(store, BOARDS, terms, percents=(2, 10, 100), canaries=2)
        agents = agents_of(BOARDS, "bad")
        rollout = store.newest()
        assert rollout
        canaries = [member.mac for member in store.members(rollout) if member.wave == 0]
        fates = {agent.node: agent for agent in agents}
        for mac in canaries:
            fates[node_of(mac)].fate = "good"
        live(Desk(store), agents, 9)
        broken = sum(agent.stage == "rejected" for agent in agents)
        stopped(broken <= MOST, f"{broken} of {BOARDS} boards got it")
        rollout = store.newest()
        assert rollout and rollout.state == HALTED and broken >= FAILURES_MAX
