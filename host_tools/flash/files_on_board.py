"""Which files lie in a flash partition, read block by block so that few bytes cross the cable.

Pure but for `read`, which a board, a backup or a test provides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.image.littlefs import Kind

__all__ = ["Holdings", "Kind", "Read", "read_files", "remembering", "survey"]

BLOCK_BYTES = 4096
READ_BYTES = 32  # MicroPython's littlefs geometry
CACHE_BYTES = 128
FAT_SIGNATURE = b"\x55\xaa"

Read = Callable[[int, int], bytes]
"""Return `size` bytes of flash from `offset`."""


@dataclass(frozen=True)
class Holdings:
    """What one partition holds; `files` maps path to size in bytes."""

    label: str
    kind: Kind
    files: dict[str, int] = field(default_factory=dict)


def remembering(read: Read) -> Read:
    """Return a reader that reads each place once: every read over a cable costs time."""
    seen: dict[tuple[int, int], bytes] = {}

    def read_once(offset: int, size: int) -> bytes:
        if (offset, size) not in seen:
            seen[offset, size] = read(offset, size)
        return seen[offset, size]

    return read_once


def survey(read: Read, label: str, offset: int, size_bytes: int) -> Holdings:
    """Tell what the partition holds, listing the files of a littlefs."""
    head = read(offset, BLOCK_BYTES) + read(offset + BLOCK_BYTES, BLOCK_BYTES)
    if not head.strip(b"\xff"):
        return Holdings(label, Kind.BLANK)
    files = _visit(read, offset, size_bytes, lambda volume, path: volume.stat("/" + path).size)
    if files is not None:
        return Holdings(label, Kind.LITTLEFS, files)
    if head[510:512] == FAT_SIGNATURE:
        return Holdings(label, Kind.FAT)
    return Holdings(label, Kind.UNKNOWN)


def read_files(read: Read, offset: int, size_bytes: int) -> dict[str, bytes]:
    """Return every file of a littlefs; empty if there is none."""
    return _visit(read, offset, size_bytes, _content) or {}


def _content(volume: Any, path: str) -> bytes:
    with volume.open("/" + path, "rb") as file:
        return bytes(file.read())


def _visit(
    read: Read, offset: int, size_bytes: int, look: Callable[[Any, str], Any]
) -> dict[str, Any] | None:
    """Return what `look` sees in each file, by path; None if no littlefs mounts here."""
    from littlefs import LittleFS, LittleFSError

    blocks = _Blocks(read, offset, size_bytes)
    volume = LittleFS(
        context=cast(Any, blocks),
        mount=False,  # or a failure to mount would format
        block_size=BLOCK_BYTES,
        block_count=0,  # as its superblock says
        read_size=READ_BYTES,
        prog_size=READ_BYTES,
        cache_size=CACHE_BYTES,
        lookahead_size=READ_BYTES,
    )
    try:
        volume.mount()
        found = {path: look(volume, path) for path in _paths(volume)}
    except LittleFSError:
        found = None
    if blocks.failure:
        raise blocks.failure
    return found


def _paths(volume: Any) -> list[str]:
    return sorted(
        f"{folder.strip('/')}/{name}".lstrip("/")
        for folder, _, names in volume.walk("/")
        for name in names
    )


class _Blocks:
    """The storage under littlefs: whole blocks, each read once, none ever written."""

    def __init__(self, read: Read, offset: int, size_bytes: int) -> None:
        self._read = read
        self._offset = offset
        self._size_bytes = size_bytes
        self._blocks: dict[int, bytes] = {}
        self.failure: CmaError | None = None

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytes:
        """Return a part of a block; a failure is kept, since littlefs swallows exceptions."""
        start = block * BLOCK_BYTES
        if start + BLOCK_BYTES > self._size_bytes or self.failure:
            return b"\xff" * size
        if block not in self._blocks:
            try:
                self._blocks[block] = self._read(self._offset + start, BLOCK_BYTES)
            except CmaError as error:
                self.failure = error
                return b"\xff" * size
        return self._blocks[block][off : off + size]
