"""What boards gather of a release before its image, and how large an image leaves room for that.

Pure. What a board wants at once is asked of the kernel's own intake; how much it can hold is the
kernel's own number.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from cma_toolkit.firmware.kernel.release import gathering, talk
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES, DIGEST_BYTES, block_count
from cma_toolkit.firmware.kernel.release.intake import Intake
from cma_toolkit.firmware.kernel.release.manifest import MANIFEST_BYTES_MAX
from cma_toolkit.firmware.kernel.release.trust import (
    KEY_BYTES,
    NUMBER_MAX,
    ROLE_RELEASE,
    ROLE_TIMESTAMP,
    ROLES,
    TIME_MAX_S,
    Root,
    Trust,
)
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.image.build import SLOT_BYTES
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import IMAGES_MAX, Release
from cma_toolkit.host_tools.release.documents import Role, RootDocument
from cma_toolkit.host_tools.release.lms_key import ParameterSet, parameters_of

_ANYBODY = Role(1, (bytes(KEY_BYTES),))


def at_once_bytes(index_bytes: int, envelope_bytes: int, timestamp_bytes: int) -> int:
    """Return the most that a board must hold at once of these, whatever comes first."""
    sizes = {
        talk.PART_INDEX: index_bytes,
        talk.PART_ENVELOPE: envelope_bytes,
        talk.PART_TIMESTAMP: timestamp_bytes,
    }
    # A timestamp is judged and done with; the other two wait for each other.
    wanted = sum(sizes[part] for part in _wanted() if part in sizes)
    return max(wanted, index_bytes + envelope_bytes)


def has_room(index_bytes: int, envelope_bytes: int, timestamp_bytes: int) -> bool:
    """Tell whether a board that has none of these can come to have them all."""
    sizes = (index_bytes, envelope_bytes, timestamp_bytes)
    if max(sizes) > talk.PART_BYTES_MAX:
        return False
    return at_once_bytes(*sizes) <= gathering.GATHERED_BYTES_MAX


def image_bytes_max(envelope_bytes: int, timestamp_bytes: int) -> int:
    """Return how large an image can be with such documents; 0: there is room for none."""
    for blocks in range(block_count(SLOT_BYTES), 0, -1):
        if has_room(blocks * DIGEST_BYTES, envelope_bytes, timestamp_bytes):
            return blocks * BLOCK_BYTES
    return 0


def check_counts(counts: Mapping[str, tuple[int, int]], parameters: ParameterSet) -> None:
    """Refuse thresholds with which boards could not come to have every image that they can run.

    `counts` has for each role how many of how many keys must sign.
    Raises: CmaError 2.
    """
    size = parameters.signature_bytes
    (releases, of), (timestamps, keys) = counts["release"], counts["timestamp"]
    envelope_bytes = documents.envelope_bytes(MANIFEST_BYTES_MAX, [size] * releases)
    timestamp_bytes = _timestamp_bytes(IMAGES_MAX, [size] * timestamps)
    if image_bytes_max(envelope_bytes, timestamp_bytes) < SLOT_BYTES:
        raise usage(
            f"With --release {releases}/{of} and --timestamp {timestamps}/{keys} "
            "boards have no room for all signatures and the largest image: let fewer keys sign, "
            f"such as --timestamp 1/{keys}."
        )


def check_release(root: Root, release: Release) -> None:
    """Refuse a release, signed or not yet, with an image that no board can come to have.

    Raises: CmaError 4.
    """
    size = max(len(part.image) for part in release.parts)
    signatures = {
        role: sorted(parameters_of(key).signature_bytes for key in keys)[-threshold:]
        for role, (threshold, keys) in enumerate(root.roles)
    }
    payload_bytes = max(len(documents.open_envelope(part.envelope)[0]) for part in release.parts)
    envelope_bytes = max(
        documents.envelope_bytes(payload_bytes, signatures[ROLE_RELEASE]),
        *(len(part.envelope) for part in release.parts),
    )
    timestamp_bytes = _timestamp_bytes(len(release.all_parts), signatures[ROLE_TIMESTAMP])
    most = image_bytes_max(envelope_bytes, timestamp_bytes)
    if not most:
        raise refused(
            "With so many signatures boards have no room for any release: begin anew in another "
            "folder with cma release init, let fewer keys sign, and put that root onto boards "
            "with cma flash."
        )
    if size > most:
        raise refused(
            "With so many signatures boards have no room for what comes before an image of "
            f"{size} bytes: make it {most} at most."
        )


def _timestamp_bytes(digests: int, signatures: list[int]) -> int:
    said = documents.timestamp(NUMBER_MAX, TIME_MAX_S, TIME_MAX_S, [bytes(32)] * digests)
    return documents.envelope_bytes(len(said), signatures)


def _wanted() -> list[int]:
    """Return which parts a board wants first that has a root and nothing else."""
    root = RootDocument(1, TIME_MAX_S, dict.fromkeys(ROLES, _ANYBODY))
    nobody: Any = SimpleNamespace(flash=None, trust=Trust(root.to_bytes()), now_s=0)
    return Intake(nobody, nobody, None, lambda data, _size: bytes(data)).wanted()
