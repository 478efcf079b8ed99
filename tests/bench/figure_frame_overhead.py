"""Bytes of a frame that are header and protection, with the longest payload that fits."""

from collections.abc import Callable

from kernel.limits import FRAME_BYTES_MAX
from support.protected import ALL, cluster, pair

UNIT = "bytes"
AT_MOST = 24
PAYLOAD_BYTES = 226


def measure(say: Callable[[str], None]) -> int:
    """Seal the longest payloads, for one node and for all, and open them."""
    payload = bytes(index & 0xFF for index in range(PAYLOAD_BYTES))
    one, other = pair()
    member, hearer = cluster(1, 2)
    frames = {"one": one.sealed(other.node, payload), "all": member.sealed(ALL, payload)}
    assert other.opened(frames["one"]) == hearer.opened(frames["all"]) == payload
    for name, frame in frames.items():
        say(f"to {name}: {len(frame)} bytes with a payload of {PAYLOAD_BYTES}")
        assert len(frame) <= FRAME_BYTES_MAX
    return max(len(frame) for frame in frames.values()) - PAYLOAD_BYTES
