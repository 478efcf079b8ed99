"""How the agent of a boot is made: what it is, what it runs on, and which release it is of."""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.sim.world.host import WorldParts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.board import Board
    from cma_toolkit.sim.world.fleet import Fleet

NETWORK = 1


def make_agent(fleet: "Fleet", board: "Board", seed: int) -> Agent:
    """Return a new agent on a board, here or in the process that it has of its own."""
    identity = Identity(board.name, board.node, NETWORK, "world")
    parts = WorldParts(board.host, fleet.sensors)
    guest = fleet.guests.get(board.index)
    if guest is not None:
        return guest.make_agent(fleet, board, identity, seed, parts)
    config = fleet.config_of(board.release[0])
    agent = Agent(identity, Prng(seed), board.table(), parts, config)
    agent.release = board.release
    return agent
