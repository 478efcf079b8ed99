"""How an agent is, for whoever watches its console: field by field, so that no board holds all.

A board loads this when it prints and forgets it.

Input    an agent, and a function that takes each field's name and value
Effects  none
Bounds   a field's value is the largest thing that is made
"""

from . import status
from .errors import name_of
from .health import facts, meters
from .power.modes import MODE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .agent import Agent


def tell_status(agent: "Agent", put: "Callable[[str, object], object]") -> None:
    """Tell what changes while an agent runs: the record `status` of a console."""
    counts = agent.meters.counts
    put("name", agent.identity.name)
    put("board", agent.identity.board)
    put("uptime_ms", agent.uptime_ms())
    put("boots", agent.recovery.boots)
    put("wakes", agent.wakes)
    put("mode", name_of(MODE_NAMES, agent.governor.modes.mode))
    put("safe_mode", agent.recovery.is_safe)
    put("neighbours", agent.neighbours.count)
    put("sent", counts[meters.SENT])
    put("received", counts[meters.RECEIVED])
    put("lost", agent.neighbours.lost)
    put("battery_mv", agent.governor.battery_mv)
    put("used_uah", agent.governor.energy.total_uah())
    put("app_errors", counts[meters.APP_ERRORS])
    put("timers_missed", counts[meters.TIMERS_MISSED])
    put("undelivered", counts[meters.UNDELIVERED])
    put("dropped", facts.dropped(agent.meters))


def tell_health(agent: "Agent", put: "Callable[[str, object], object]") -> None:
    """Tell what tells a failing agent from a good one: the record `health` of a console."""
    status.figures(agent)
    facts.tell(agent.health, agent.recovery, put)
    put("dropped", facts.dropped(agent.meters))
    put("dropped_kinds", facts.dropped_kinds(agent.meters))
    put("over_quota", facts.refusals(agent.governor.quotas))
