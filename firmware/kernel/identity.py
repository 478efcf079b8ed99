"""Who an agent is: what provisioning decided, or what the hardware implies."""


class Identity:
    """The facts that stand as long as the agent runs.

    Shape: `node` from `codec.frame.node_id`, `network` 16 bits, `board` a board definition's id.
    """

    def __init__(self, name: str, node: int, network: int, board: str) -> None:
        self.name = name
        self.node = node
        self.network = network
        self.board = board
