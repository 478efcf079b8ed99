"""How a key is called before people."""

from cma_toolkit.host_tools.secure.peer_id import peer_id

_LETTERS = 8


def short_id(signer: bytes) -> str:
    """Return the end of a key's PeerId, enough to tell a fleet's keys apart."""
    return "…" + peer_id(signer)[-_LETTERS:] if signer else "none"
