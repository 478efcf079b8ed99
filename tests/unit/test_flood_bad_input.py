"""Floods of frames, one test a class: what is heard is held within its rates.

Each class is refused by a quota: counted, nothing grows, and who behaves is served on.
"""

from kernel.codec import frame
from kernel.errors import DROP_NAMES, DROP_QUOTA
from kernel.health.facts import dropped, refusals
from kernel.limits import NEIGHBOURS_MAX
from kernel.ticks import ticks_add
from support.mesh import Mesh, made

START_MS = (1 << 29) - 3_000  # the ticks wrap early
OVER_QUOTA = DROP_NAMES.split("\n")[DROP_QUOTA]
POOL_PER_S, POOL_BURST = 50, 3_000  # frames heard, of all together
SHARE_PER_S, SHARE_BURST = 2, 240  # and of each neighbour besides
FLOOD, GOOD = 0x5000, 0x6000
PING = b"\x41\x00"


class Crowd:
    """Nodes around one agent; their frames are numbered in one row, which looks like losses."""

    def __init__(self):
        self.mesh = Mesh()
        self.mesh.now_ms = START_MS
        self._sequence = 0

    def say(self, source, kind=frame.KIND_TELEMETRY, payload=b"\xa0", target=frame.BROADCAST):
        """Let one node say something; return whether the agent took it in."""
        self._sequence = self._sequence + 1 & 0xFFFF
        data = made(kind, payload, target=target, sequence=self._sequence, source=source)
        return not self.mesh.hear(data)

    def wait(self, milliseconds):
        """Let time pass."""
        self.mesh.now_ms = ticks_add(self.mesh.now_ms, milliseconds)


def test_55_ten_times_the_rate_from_one_peer():
    crowd, seconds, taken, heard = Crowd(), 15, 0, 0
    crowd.say(GOOD)
    for _ in range(seconds):
        for _ in range(10 * POOL_PER_S):
            taken += crowd.say(FLOOD)
        heard += crowd.say(GOOD)
        crowd.wait(1_000)
    assert heard == seconds, "who keeps to his share is heard"
    most = POOL_BURST + SHARE_BURST + seconds * (POOL_PER_S + SHARE_PER_S)
    assert most * 9 // 10 < taken <= most
    refused = 10 * POOL_PER_S * seconds - taken
    assert dropped(crowd.mesh.meters) == {OVER_QUOTA: refused}
    assert refusals(crowd.mesh.quotas) == {"in": refused}


def test_56_a_thousand_sybil_ids():
    crowd, seconds, taken = Crowd(), 6, 0
    regulars = [GOOD + number for number in range(NEIGHBOURS_MAX - 1)]
    for node in regulars:
        crowd.say(node)
    for _ in range(seconds):
        for number in range(1_000):
            taken += crowd.say(FLOOD + number)
        for node in regulars:
            assert crowd.say(node), "a neighbour's share is there"
        crowd.wait(1_000)
    most = POOL_BURST + SHARE_BURST + seconds * (POOL_PER_S + SHARE_PER_S)
    assert POOL_BURST < taken <= most, "however many ids: one pool, and one row of theirs"
    near = crowd.mesh.neighbours
    assert near.count == NEIGHBOURS_MAX and all(near.find(node) >= 0 for node in regulars)
    assert dropped(crowd.mesh.meters) == {OVER_QUOTA: 1_000 * seconds - taken}


def test_58_more_peers_than_radio_and_table_hold():
    # ESP-NOW: 6 or 17 encrypted peers, 20 in all; then the neighbour table.
    for count in (6, 7, 17, 18, 20, 21, NEIGHBOURS_MAX, NEIGHBOURS_MAX + 1, 3 * NEIGHBOURS_MAX):
        check_each_is_answered(count)


def check_each_is_answered(count):
    """Let so many nodes ask twice."""
    crowd = Crowd()
    mesh = crowd.mesh
    for _ in range(2):
        for number in range(count):
            assert crowd.say(FLOOD + number, frame.KIND_PING, PING, mesh.identity.node)
            mesh.transmitter.flush(mesh.out)
            targets = [frame.read_target(data) for data in mesh.out.take_frames()]
            assert targets == [FLOOD + number], "each has its answer"
    assert mesh.neighbours.count == min(count, NEIGHBOURS_MAX)
    assert not dropped(mesh.meters)
