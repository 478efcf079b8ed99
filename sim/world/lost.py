"""Agents that are no more: what their parts hold of each other is cut, so that they go at once.

Else each would wait for the collector, which has to look at all that live to find it.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts, Table
from cma_toolkit.firmware.kernel.prng import Prng

# Whom the variables of an application that is no more are left with.
_NOBODY = Agent(Identity("nobody", 1, 0, "world"), Prng(0), Table(), Parts(), Config())


def let_go(agent: Agent) -> None:
    """Take an agent apart that no step is under way in; it is of no use after that."""
    agent._machines.clear()
    agent.router.handlers.clear()
    agent.exchange._may_run = _may_not_run
    agent.application.handlers().clear()
    agent.application._core = _NOBODY


def _may_not_run() -> bool:
    return False
