"""Bytes of a handshake: two boards that know each other; and the longest of two strangers.

The figure is that of strangers. Each message must fit a frame, and those who know each other take
at most 101 bytes.
"""

from collections.abc import Callable

from kernel.limits import PAYLOAD_BYTES_MAX
from support.secure_parties import Fleet, known_pair, shake

UNIT = "bytes"
AT_MOST = 420
KNOWN_BYTES_MAX = 101
MISSED = 10_000


def measure(say: Callable[[str], None]) -> int:
    """Shake hands twice; the fourth message, which confirms, is beside the count."""
    one, other = known_pair()
    known = [len(message) for message in shake(one.side(other), other.side(one))]
    fleet = Fleet()
    longest = {"network": 0xFFFF, "roles": 15, "epoch": 255, "expires_s": 0xFFFFFFFF}
    nodes = ((1 << 30) - 2, (1 << 30) - 3)
    strangers = [fleet.board(node, **longest) for node in nodes]
    for board in strangers:
        board.peers._network = 0xFFFF
    first = strangers[0].side(strangers[1], False)
    second = strangers[1].side(strangers[0], False)
    unknown = [len(message) for message in shake(first, second)]
    say(f"known by key id: {known[:3]} = {sum(known[:3])}, and {known[3]}")
    say(f"strangers, certificate {len(strangers[0].certificate)}: {unknown[:3]}, and {unknown[3]}")
    if sum(known[:3]) > KNOWN_BYTES_MAX or max(known + unknown) > PAYLOAD_BYTES_MAX:
        return MISSED
    return sum(unknown[:3])
