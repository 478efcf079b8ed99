"""Littlefs images with MicroPython's geometry: a folder of files as the bytes of a partition.

Input    files by path, or the bytes of a partition read from a board or a backup
Bounds   the image is as large as its partition; folders nest at most 16 deep
Source   micropython `extmod/vfs_lfsx.c`: read, prog and lookahead 32, cache 128; block 4,096
"""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from .errors import ImageError

if TYPE_CHECKING:
    from littlefs import LittleFS

BLOCK_BYTES = 4096
BLOCKS_MIN = 2
_READ_BYTES = 32
_CACHE_BYTES = 128
# Version 2.0 on disk is what every MicroPython mounts; 2.1 only newer ones.
_DISK_VERSION = 0x00020000
_FAT_SIGNATURE_AT = 510
_DEPTH_MAX = 16
_TYPE_FOLDER = 2


class Kind(Enum):
    """What a data partition holds."""

    BLANK = "blank"
    LITTLEFS = "littlefs"
    FAT = "FAT"
    UNKNOWN = "unknown data"


def kind_of(data: bytes) -> Kind:
    """Tell what the bytes of a partition are, without reading its files.

    MicroPython formats a partition exactly when its first block is all FF.
    """
    first = data[:BLOCK_BYTES]
    if first.count(0xFF) == len(first):
        return Kind.BLANK
    if any(b"littlefs" in data[at : at + 32] for at in (0, BLOCK_BYTES)):
        return Kind.LITTLEFS
    if data[_FAT_SIGNATURE_AT : _FAT_SIGNATURE_AT + 2] == b"\x55\xaa":
        return Kind.FAT
    return Kind.UNKNOWN


def build(files: Mapping[str, bytes], size_bytes: int) -> bytes:
    """Return a file system of `size_bytes` that holds the files; folders are made as needed.

    The same files give the same bytes, in whatever order they are given.

    Raises: ImageError (the caller) if they do not fit, a path is bad, or the size is.
    """
    if size_bytes % BLOCK_BYTES or size_bytes < BLOCKS_MIN * BLOCK_BYTES:
        raise ImageError(
            f"A littlefs needs at least {BLOCKS_MIN} whole blocks of {BLOCK_BYTES} bytes, "
            f"not {size_bytes} bytes: mend the partition's size."
        )
    from littlefs import LittleFSError

    buffer = bytearray(b"\xff") * size_bytes
    volume = _volume(buffer, size_bytes // BLOCK_BYTES)
    try:
        volume.format()
        volume.mount()
        for path in sorted(files):
            _write(volume, _checked(path), files[path])
        volume.unmount()
    except (LittleFSError, OSError) as error:
        raise ImageError(
            f"The files ({sum(map(len, files.values()))} bytes) do not fit a littlefs of "
            f"{size_bytes} bytes: {error or type(error).__name__}. Remove some or enlarge it."
        ) from error
    return bytes(buffer)


def read(data: bytes) -> dict[str, bytes]:
    """Return every file of a file system by its path.

    Raises: ImageError (a board's flash, a backup): no littlefs, or a damaged one.
    """
    from littlefs import LittleFSError

    volume = _volume(bytearray(data), 0)
    try:
        volume.mount()
        files = {path: _content(volume, path) for path in _paths(volume, len(data))}
        volume.unmount()
    except (LittleFSError, OSError, UnicodeDecodeError) as error:
        raise ImageError(
            f"There is no readable littlefs here ({error or type(error).__name__}): "
            f"restore the partition from a backup or flash it again."
        ) from error
    return files


def _volume(buffer: bytearray, block_count: int) -> "LittleFS":
    """Make a volume over a buffer; block count 0 means: what its superblock says."""
    from littlefs import LittleFS

    context: Any = _Buffer(buffer)
    return LittleFS(
        context=context,
        mount=False,  # the library formats what does not mount
        block_size=BLOCK_BYTES,
        block_count=block_count,
        read_size=_READ_BYTES,
        prog_size=_READ_BYTES,
        cache_size=_CACHE_BYTES,
        lookahead_size=_READ_BYTES,
        disk_version=_DISK_VERSION if block_count else 0,
    )


class _Buffer:
    """Flash in memory; what lies outside it reads as blank and cannot be written."""

    def __init__(self, buffer: bytearray) -> None:
        self._buffer = buffer

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        start = block * BLOCK_BYTES + off
        return self._buffer[start : start + size].ljust(size, b"\xff")

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        start = block * BLOCK_BYTES + off
        self._buffer[start : start + len(data)] = data
        return 0

    def erase(self, cfg: Any, block: int) -> int:
        start = block * BLOCK_BYTES
        self._buffer[start : start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0

    def sync(self, cfg: Any) -> int:
        return 0


def _checked(path: str) -> str:
    parts = path.split("/")
    if len(parts) > _DEPTH_MAX or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ImageError(f'"{path}" is no path for a file system: use one such as "lib/a.py".')
    return path


def _write(volume: "LittleFS", path: str, content: bytes) -> None:
    folder = path.rpartition("/")[0]
    if folder:
        volume.makedirs(folder, exist_ok=True)
    with volume.open(path, "wb") as file:
        file.write(content)


def _content(volume: "LittleFS", path: str) -> bytes:
    with volume.open(path, "rb") as file:
        return bytes(file.read())


def _paths(volume: "LittleFS", size_bytes: int) -> list[str]:
    """List the files; a damaged folder may name itself, so that depth and sizes have bounds."""
    paths: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in volume.scandir("/" + folder):
            path = f"{folder}/{entry.name}".lstrip("/")
            if path.count("/") > _DEPTH_MAX or entry.size > size_bytes:
                raise OSError(f"{path[:40]} cannot be there")
            if entry.type == _TYPE_FOLDER:
                folders.append(path)
            else:
                paths.append(path)
    return sorted(paths)
