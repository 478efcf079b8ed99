"""What an edge heard of a board, as a roll-out takes it."""

from cma_toolkit.host_tools.release import edge
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
