"""What a board runs behind MicroPython: a loader, an image in slot A, the papers that name it.

Pure. A cable vouches for what comes through it: the papers need no signature, and the board's
memory of releases begins anew with them. With those of a signed release it knows which it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Protocol

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.index import image_digest, index_of
from cma_toolkit.firmware.kernel.release.manifest import Manifest, from_bytes, to_bytes
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.flash.plan import Region, find_part
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.image.loader import for_board
from cma_toolkit.host_tools.release import artefact, documents, runtime_image

BY_HAND = 0  # its sequence: every release is newer
_BLANK = b"\xff"


@dataclass(frozen=True)
class Agent:
    """The three as bytes; what the application is called, with its number if it is a release."""

    loader: bytes
    image: bytes
    papers: bytes
    called: str = ""


class Cells(Protocol):
    """A flash that can say what it holds."""

    def md5(self, offset: int, size_bytes: int) -> str:
        """Return the digest of a stretch in hexadecimal."""


def make_agent(
    loader: bytes,
    image: Image,
    chip: str,
    root: bytes = b"",
    envelope: bytes = b"",
    *,
    build: str = "",
) -> Agent:
    """Return what a board of a chip gets: it believes `root`, or no release at all without one.

    `envelope` is that of the image's manifest as `root` believes it, empty for one by hand;
    `build` is what MicroPython is called that it takes over the air, empty if it takes none.
    """
    manifest = Manifest(
        BY_HAND,
        artefact.class_id(image.name, image.architecture),
        image_digest(image.data),
        len(image.data),
    )
    if envelope:
        manifest = from_bytes(Envelope(envelope).payload)
    kinds = [artefact.class_id(image.name, one) for one in (mpy.PORTABLE, mpy.family_of(chip))]
    runtime = runtime_image.class_id(artefact.CLASSES, build) if build else b""
    return Agent(
        for_board(loader, root, kinds, runtime),
        image.data,
        papers.to_bytes(
            envelope or documents.envelope(to_bytes(manifest)),
            index_of(image.data),
            root if envelope else b"",
        ),
        f"{image.name} {manifest.sequence}" if manifest.sequence else image.name,
    )


def regions(agent: Agent, partitions: Sequence[Partition], *, keep: bool) -> list[Region]:
    """Return what to write, in order; a cut leaves the release before, or nothing that runs.

    With `keep` the board goes on with what it remembers of releases.
    """
    place = find_part(partitions, "romfs")
    count = place.size_bytes // layout.SECTOR_BYTES

    def region(label: str, sector: int, data: bytes) -> Region:
        return Region(label, place.offset + sector * layout.SECTOR_BYTES, data)

    journal_bytes = layout.JOURNAL_SECTORS * layout.SECTOR_BYTES
    body = [
        region("loader", 0, agent.loader),
        region("image", layout.slot_at(0, count), agent.image),
        region("papers", layout.trailer_at(0, count), agent.papers),
    ]
    if keep:
        return body
    return [
        region("blank releases", layout.journal_at(count), _BLANK * journal_bytes),
        *body,
        region("blank slot B", layout.trailer_at(1, count), _BLANK * layout.SECTOR_BYTES),
    ]


def is_there(flash: Cells, agent: Agent, partitions: Sequence[Partition]) -> bool:
    """Tell whether a board has this image in slot A and no release in the other."""
    wanted = regions(agent, partitions, keep=False)
    return all(
        flash.md5(region.offset, len(region.data)) == md5(region.data).hexdigest()
        for region in wanted
        if region.label in ("image", "papers", "blank slot B")
    )


def check_fits(agent: Agent, partitions: Sequence[Partition]) -> None:
    """Refuse an image that is larger than its slot.

    Raises: CmaError.
    """
    if len(agent.loader) > layout.LOADER_BYTES:
        raise refused("The loader is larger than its place. Install cma-toolkit again.")
    room = layout.image_bytes(find_part(partitions, "romfs").size_bytes // layout.SECTOR_BYTES)
    if len(agent.image) > room:
        raise refused(
            f"The agent's image takes {len(agent.image)} bytes, a slot has {room}. "
            "Use a board file with a larger partition romfs."
        )
