"""A published release as boards ask for it: documents, and each block in the form that suits.

A block travels raw, deflated, or as a window of VCDIFF against an earlier image of the same
class, whichever is smallest; each can be had without the others.
"""

import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property

from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES, image_digest, index_of
from cma_toolkit.firmware.kernel.release.runtime_index import PART_BLOCK, PART_PAGE
from cma_toolkit.firmware.kernel.release.talk import (
    BASES_MAX,
    DIGEST_BYTES,
    FORM_DEFLATED,
    FORM_PLAIN,
    PART_ENVELOPE,
    PART_INDEX,
    PART_ROOT,
    PART_TIMESTAMP,
    tag_of,
)
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.release import runtime_image
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.delta import Source
from cma_toolkit.host_tools.release.repository import TIMESTAMP, Repository

WINDOW_BITS = 12  # 4 KiB: what a board has for it


class Published:
    """One image of a release, with what boards need to believe it.

    Shape: `roots` by version, as they lie in the folder; `earlier` are images that boards may run.
    """

    def __init__(
        self,
        part: Part,
        timestamp: bytes,
        roots: Mapping[int, bytes],
        earlier: Sequence[bytes] = (),
    ) -> None:
        self.part = part
        self.tag = tag_of(part.digest)
        self.digest = part.digest[:DIGEST_BYTES]
        self.class_tag = tag_of(part.manifest.class_id)
        self.root = max(roots)
        self._documents = {PART_ROOT + version: data for version, data in roots.items()}
        self._documents[PART_TIMESTAMP] = timestamp
        self._documents[PART_ENVELOPE] = part.envelope
        self._documents[PART_INDEX] = index_of(part.image)
        self._sources = {
            tag_of(image_digest(image)): image for image in list(earlier)[-BASES_MAX:]
        }
        self._deltas: dict[int, list[bytes]] = {}

    @property
    def bases(self) -> list[int]:
        """Return the tags of the images for which there are deltas."""
        return list(self._sources)

    @property
    def blocks(self) -> list[bytes]:
        """Return the blocks of the image."""
        image = self.part.image
        return [image[at : at + BLOCK_BYTES] for at in range(0, len(image), BLOCK_BYTES)]

    @cached_property
    def deflated(self) -> list[bytes]:
        """Return each block deflated, or as it is where that is smaller."""
        return [min(deflate(block), block, key=len) for block in self.blocks]

    def delta(self, base: int) -> list[bytes]:
        """Return each block's window against the image with a tag."""
        if base not in self._deltas:
            source = Source(self._sources[base])
            self._deltas[base] = [
                source.window(block, number * BLOCK_BYTES)
                for number, block in enumerate(self.blocks)
            ]
        return self._deltas[base]

    def coded(self, part: int, base: int) -> tuple[int, bytes] | None:
        """Return a part's form and bytes for a board that runs the image with a tag."""
        if part in self._documents:
            return FORM_PLAIN, self._documents[part]
        if part >= len(self.blocks):
            return None
        block, data = self.blocks[part], self.deflated[part]
        form = FORM_PLAIN if data is block or data == block else FORM_DEFLATED
        if base in self._sources:
            window = self.delta(base)[part]
            if len(window) < len(data):
                return base, window
        return form, data


class PublishedRuntime(Published):
    """One MicroPython of a release, as boards ask for it after they know why."""

    def __init__(self, part: Part, timestamp: bytes, roots: Mapping[int, bytes]) -> None:
        super().__init__(part, timestamp, roots)
        self._documents[PART_INDEX] = runtime_image.index(part.image)
        for number, page in enumerate(runtime_image.pages(part.image)):
            self._documents[PART_PAGE + number] = page
        self._blocks = runtime_image.blocks(part.image)
        self._coded: dict[int, tuple[int, bytes]] = {}

    def coded(self, part: int, base: int) -> tuple[int, bytes] | None:
        """Return a part's form and bytes; a block is deflated when somebody first asks for it."""
        number = part - PART_BLOCK
        if part in self._documents:
            return FORM_PLAIN, self._documents[part]
        if not 0 <= number < len(self._blocks):
            return None
        if number not in self._coded:
            block = self._blocks[number]
            data = deflate(block)
            is_smaller = len(data) < len(block)
            self._coded[number] = (FORM_DEFLATED, data) if is_smaller else (FORM_PLAIN, block)
        return self._coded[number]


def deflate(block: bytes) -> bytes:
    """Return a block in raw DEFLATE (RFC 1951) for a window of 4 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS)
    return packer.compress(block) + packer.flush()


def inflate(data: bytes, size_bytes: int) -> bytes:
    """Return what a block was deflated from, no more than so many bytes.

    Raises: ValueError for what is no DEFLATE (peer).
    """
    unpacker = zlib.decompressobj(-WINDOW_BITS)
    try:
        return unpacker.decompress(data, size_bytes)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def of_sequence(repository: Repository, sequence: int) -> list[Published]:
    """Return the images of the published release with a number, 0: of the newest.

    Raises: CmaError 2 if it is not published, 4 if a document is not what it should be.
    """
    releases = repository.published()
    chosen = [each for each in releases if each.sequence == sequence] or releases[-1:]
    if not chosen or sequence not in {0, chosen[0].sequence}:
        which = f"Release {sequence} is not" if sequence else "No release is"
        raise usage(f"{which} published in {repository.folder}: see cma release publish.")
    timestamp = repository.read(repository.folder / TIMESTAMP)
    roots = {
        version: repository.read(repository.root_path(version)) for version in repository.roots()
    }
    made = []
    for part in chosen[0].parts:
        earlier = [
            other.image
            for release in releases
            for other in release.parts
            if release.sequence < chosen[0].sequence
            and other.manifest.class_id == part.manifest.class_id
        ]
        made.append(Published(part, timestamp, roots, earlier))
    return made + [PublishedRuntime(part, timestamp, roots) for part in chosen[0].runtimes]
