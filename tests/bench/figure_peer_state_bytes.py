"""Bytes of a snapshot that eight sessions take: secrets, counters, and all windows."""

from collections.abc import Callable

from kernel.secure.nonces import Nonces
from kernel.secure.senders import SENDERS_KEPT, Senders
from kernel.secure.session import Protection
from kernel.secure.sessions import SESSIONS_MAX, Sessions
from support.protected import Member, secret

UNIT = "bytes"
AT_MOST = 330
PEERS = 8


def measure(say: Callable[[str], None]) -> int:
    """Fill a node, have it sleep, and count what it wakes from."""
    member = Member(1)
    for peer in range(2, 2 + PEERS):
        assert member.protection.install(peer, secret(peer))
    snapshot = bytearray(Protection.SNAPSHOT_BYTES)
    assert member.protection.save_into(snapshot, 0) == len(snapshot)
    member.start(snapshot)
    assert len(member.protection.sessions.peers()) == PEERS
    say(f"{SESSIONS_MAX} sessions {Sessions.SNAPSHOT_BYTES}, counters {Nonces.SNAPSHOT_BYTES}")
    say(f"windows of {SENDERS_KEPT} who sent to all {Senders.SNAPSHOT_BYTES}")
    return len(snapshot)
