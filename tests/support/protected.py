"""Nodes with keys for each other, and the frames that they protect."""

from kernel.codec.frame import BROADCAST, KIND_MESSAGE, write_header
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.prng import Prng
from kernel.secure.session import Protection
from support import crypto
from support.script import MemoryTable

NETWORK = 7
ALL = BROADCAST


def secret(number):
    """Return one of many secrets."""
    random = Prng(number)
    return bytes(random.below(256) for _ in range(16))


class Member:
    """One node: its table outlives it, its RTC memory a deep sleep only."""

    def __init__(self, node, table=None, port=None):
        self.node = node
        self.table = table or MemoryTable()
        self.port = port or crypto.make()
        self.start()

    def start(self, snapshot=None):
        """Boot, from a snapshot after a deep sleep; what no commit took is lost."""
        self.table.rollback()
        self.protection = Protection(self.port, self.table, self.node)
        if snapshot:
            assert self.protection.load_from(snapshot, 0) == len(snapshot)

    def sleep(self):
        """Sleep deeply and wake."""
        snapshot = bytearray(Protection.SNAPSHOT_BYTES)
        assert self.protection.save_into(snapshot, 0) == len(snapshot)
        self.start(snapshot)

    def sealed(self, target, payload=b"\x01", kind=KIND_MESSAGE):
        """Return a protected frame, or why there is none."""
        frame = bytearray(FRAME_BYTES_MAX)
        write_header(frame, kind, NETWORK, self.node, target, 0)
        frame[HEADER_BYTES : HEADER_BYTES + len(payload)] = payload
        length = self.protection.seal(frame, HEADER_BYTES + len(payload))
        return length if length < 0 else bytes(memoryview(frame)[:length])

    def opened(self, frame):
        """Return what a frame protects, or why it is refused."""
        buffer = bytearray(frame)
        length = self.protection.open(buffer, len(buffer))
        return length if length < 0 else bytes(memoryview(buffer)[HEADER_BYTES:length])


def pair(number=1):
    """Return two nodes that share a secret."""
    one, other = Member(11), Member(22)
    assert one.protection.install(other.node, secret(number))
    assert other.protection.install(one.node, secret(number))
    return one, other


def cluster(*nodes, epoch=1):
    """Return nodes that share the key of a group, made for them now."""
    members = [Member(node) for node in nodes]
    for member in members:
        assert member.protection.install_group(epoch, secret(epoch), is_fresh=True)
    return members
