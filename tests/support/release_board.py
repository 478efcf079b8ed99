"""A board that is handed documents, and the keys of those who sign them."""

from dataclasses import replace

from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.trust import Trust
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.documents import RootDocument
from support.release_signers import CLASS_ID, DAY_S, LATER_S, MPY, NOW_S, Signer, role, signed

SLOT_BYTES = 256 * 1024
ROOT, ROOT_2, RELEASE, RELEASE_2, TIMESTAMP, THIEF = (Signer(seed) for seed in range(6))
FIRST = RootDocument(
    1,
    LATER_S,
    {
        "root": role(2, ROOT, ROOT_2),
        "release": role(1, RELEASE),
        "timestamp": role(1, TIMESTAMP),
    },
)


class Handed:
    """A board, and what somebody hands to it."""

    def __init__(self, first: RootDocument = FIRST) -> None:
        self.trust = Trust(first.to_bytes())
        self.board = Board((CLASS_ID,), SLOT_BYTES, MPY)
        self._version = 0

    def current(self, *payloads: bytes, signer: Signer = TIMESTAMP, now_s: int = NOW_S) -> int:
        """Say that these documents are current, until a week from now."""
        self._version += 1
        digests = [documents.digest_of(payload) for payload in payloads]
        said = documents.timestamp(self._version, now_s, now_s + 7 * DAY_S, digests)
        return self.trust.on_timestamp(signed(said, [signer]), now_s)

    def release(self, payload: bytes, *signers: Signer, now_s: int = NOW_S) -> int:
        """Hand over a release that is current."""
        assert self.current(payload, now_s=now_s) == 0
        return self.take(signed(payload, signers or [RELEASE]), now_s)

    def take(self, data: bytes, now_s: int = NOW_S) -> int:
        """Hand over bytes as a release."""
        return self.trust.on_release(data, self.board, now_s)


def next_root(root: RootDocument = FIRST, **changes: object) -> RootDocument:
    return replace(root, version=root.version + 1, **changes)


def hand_root(trust: Trust, root: RootDocument, *signers: Signer) -> int:
    return trust.on_root(signed(root.to_bytes(), signers))
