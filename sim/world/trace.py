"""The trace of a run, folded into one digest as it happens.

Source: SHA-256 over those of the world and of each agent, over records of kind (1 byte), time in
ms (8), length (2) and content.
"""

import binascii
import hashlib
import struct

from cma_toolkit.firmware.kernel.codec import cbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SEND, REPORT, APP_EVENT, APP_ERROR, ACTUATE, POWER, STATE = 1, 2, 3, 4, 5, 6, 7
BOOT, SLEEP, RADIO, REBOOT, FAULT = 8, 9, 10, 11, 12
_VALUE_BYTES_MAX = 4096


def encode_value(value: object) -> bytes:
    """Return the deterministic bytes of whatever an application handed out.

    What has no CBOR form counts by the name of its type, which is the same on every runtime.
    """
    try:
        return cbor.encode(value, _VALUE_BYTES_MAX)
    except cbor.CborError:
        return cbor.encode("<" + type(value).__name__ + ">", _VALUE_BYTES_MAX)


class Trace:
    """Everything that happened, as far as two runs can be compared.

    Each agent's records are folded by themselves, and so are the world's own: what happens to two
    agents at one instant has no order.
    """

    def __init__(self, agents: int) -> None:
        self._hashes: dict[int, Any] = {}
        self._agents = agents
        self._world = hashlib.sha256()
        self.count = 0

    def add(self, kind: int, at_ms: int, agent: int, content: bytes) -> None:
        """Fold in one record of an agent."""
        each = self._hashes.get(agent)
        if each is None:
            each = self._hashes[agent] = hashlib.sha256()
        each.update(struct.pack(">BQH", kind, at_ms, len(content)) + content)
        self.count += 1

    def add_fault(self, at_ms: int, number: int, is_on: bool) -> None:
        """Fold in that a fault of the world begins or ends."""
        self._world.update(struct.pack(">BQHB", FAULT, at_ms, number, is_on))

    def digest(self) -> str:
        """Return the digest; the trace is closed by it."""
        world, agents = self.parts()
        return digest_of(world, agents, self._agents)

    def parts(self) -> "tuple[bytes, dict[int, bytes]]":
        """Return the digest of the world's own records and of each agent's, if it has some."""
        agents = {agent: each.digest() for agent, each in self._hashes.items()}
        return self._world.digest(), agents


def digest_of(world: bytes, agents: "dict[int, bytes]", count: int) -> str:
    """Return the digest of a whole world of so many agents from those of its parts."""
    whole = hashlib.sha256(world)
    for agent in range(count):
        if agent in agents:
            whole.update(struct.pack(">I", agent))
            whole.update(agents[agent])
    return binascii.hexlify(whole.digest()).decode()
