"""What an edge heard of boards, as a roll-out and the fleet database take it."""

from collections.abc import Sequence

from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sighting, Sightings
from cma_toolkit.host_tools.release import edge
from cma_toolkit.host_tools.release.listening import Heard
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.records import Report

STAGES = ("idle", "fetching", "trial", "confirmed", "rejected")


def report_of(heard: edge.Report) -> Report:
    """Return it; a stage that is not known here is none."""
    return Report(
        heard.node,
        heard.sequence,
        stage_of(heard),
        heard.target,
        heard.done_permille,
        heard.battery_mv,
        heard.reason,
        heard.used_uah,
    )


def stage_of(heard: edge.Report) -> str:
    """Return the name of the stage that a board told."""
    return STAGES[heard.stage] if heard.stage < len(STAGES) else STAGES[0]


def remember(database: Database, heard: Sequence[Heard], now_s: int) -> None:
    """Keep what was heard of boards of the fleet, now; of others nothing is kept."""
    macs = {node_of(board.mac): board.mac for board in database.boards()}
    known = [each for each in heard if each.node in macs]
    if not known:
        return
    seen = [
        Sighting(
            macs[each.node],
            now_s,
            each.loss_permille,
            each.neighbours,
            each.battery_mv,
        )
        for each in known
    ]
    links = {
        (macs[each.node], macs[other]): now_s
        for each in known
        for other in each.asked
        if other in macs
    }
    Sightings(database).add(seen, links)
