"""How an agent is: for its neighbours, and for whoever watches its console.

Input    an agent
Effects  none
Bounds   `figures` allocates nothing
"""

from .errors import name_of
from .health import meters
from .power.modes import MODE_NAMES

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


def status(agent: "Agent") -> "dict[str, object]":
    """Return what changes while an agent runs: the record `status` of a console."""
    counts = agent.meters.counts
    return {
        "name": agent.identity.name,
        "board": agent.identity.board,
        "uptime_ms": agent.uptime_ms(),
        "boots": agent.recovery.boots,
        "wakes": agent.wakes,
        "mode": name_of(MODE_NAMES, agent.governor.modes.mode),
        "safe_mode": agent.recovery.is_safe,
        "neighbours": agent.neighbours.count,
        "sent": counts[meters.SENT],
        "received": counts[meters.RECEIVED],
        "lost": agent.neighbours.lost,
        "battery_mv": agent.governor.battery_mv,
        "used_uah": agent.governor.energy.total_uah(),
        "app_errors": counts[meters.APP_ERRORS],
        "timers_missed": counts[meters.TIMERS_MISSED],
        "undelivered": counts[meters.UNDELIVERED],
        "dropped": agent.meters.dropped(),
    }


def health(agent: "Agent") -> "dict[str, object]":
    """Return what tells a failing agent from a good one: the record `health` of a console."""
    figures(agent)
    fields = agent.health.fields(agent.recovery)
    fields["dropped"] = agent.meters.dropped()
    fields["dropped_kinds"] = agent.meters.dropped_kinds()
    fields["over_quota"] = agent.governor.quotas.refusals()
    return fields
