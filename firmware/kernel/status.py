"""How an agent is, for its neighbours; `telling` says it to whoever watches its console.

Input    an agent
Effects  none
Bounds   `figures` allocates nothing
"""

from .health import meters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent
    from .mesh.neighbours import Neighbours


def figures(agent: "Agent") -> "list[int]":
    """Return the figures of the telemetry frame, in the order of `health.report.FIGURE_NAMES`."""
    counts, found = agent.meters.counts, agent.health.figures
    agent.health.collect(agent.recovery, agent.table)
    found[0] = agent.uptime_s
    found[1] = agent.neighbours.count
    found[2] = counts[meters.SENT]
    found[3] = counts[meters.RECEIVED]
    found[4] = agent.neighbours.lost
    found[5] = agent.governor.battery_mv
    found[6] = counts[meters.APP_ERRORS]
    found[9] = agent.governor.modes.mode
    found[12] = agent.governor.energy.total_uah()
    found[14] = -_weakest_dbm(agent.neighbours)
    return found


def _weakest_dbm(neighbours: "Neighbours") -> int:
    weakest_dbm = 0  # unknown
    for row in range(len(neighbours.ids)):
        if neighbours.ids[row]:
            weakest_dbm = min(weakest_dbm, neighbours.rssi_dbm(row))
    return weakest_dbm
