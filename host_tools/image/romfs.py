"""ROMFS images: the read-only file system from which MicroPython executes `.mpy` in place.

Input    files by path, or the bytes of an image
Bounds   a number has at most 5 bytes, folders nest at most 16 deep
Source   micropython `extmod/vfs_rom.c` (format) and mpremote's image writer
"""

from collections.abc import Iterator, Mapping

from .errors import ImageError

_MAGIC = b"\xd2\xcd\x31"
_KIND_DATA = 2
_KIND_POINTER = 3
_KIND_FOLDER = 4
_KIND_FILE = 5
_NUMBER_BYTES_MAX = 5
_DEPTH_MAX = 16


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the image of the files; the same files give the same bytes.

    Raises: ImageError (the caller) for a path that ROMFS cannot hold.
    """
    from mpremote.romfs import VfsRomWriter

    tree: dict[str, object] = {}
    folded: dict[str, str] = {}
    for path, content in files.items():
        other = folded.setdefault(path.lower(), path)
        if other != path:
            raise ImageError(
                f'"{other}" and "{path}" differ in case only, which not every disk keeps apart: '
                "rename one."
            )
        _insert(tree, path, content)
    writer = VfsRomWriter()
    _write_folder(writer, tree)
    return bytes(writer.finalise())


def read(image: bytes) -> dict[str, bytes]:
    """Return every file of an image by its path; bytes behind the image are ignored.

    Raises: ImageError (a board's flash, a file): no ROMFS, or a damaged one.
    """
    if image[: len(_MAGIC)] != _MAGIC:
        raise ImageError("There is no ROMFS here: flash the board again.")
    start, size_bytes = _number(image, len(_MAGIC), len(image))
    if start + size_bytes > len(image):
        raise _damaged()
    files: dict[str, bytes] = {}
    left = len(image)
    for path, begin, end in _files(image, (start, start + size_bytes), ""):
        left -= end - begin
        if left < 0:  # files that point at the same bytes, a thousand times
            raise _damaged()
        files[path] = bytes(image[begin:end])
    return files


def _insert(tree: dict[str, object], path: str, content: bytes) -> None:
    folders = path.split("/")
    if not path.isascii() or any(part in ("", ".", "..") for part in folders):
        raise ImageError(f'"{path}" is no path inside a ROMFS: use plain names such as "a/b.mpy".')
    if len(folders) > _DEPTH_MAX:
        raise ImageError(f'"{path}" lies more than {_DEPTH_MAX} folders deep: move it up.')
    here = tree
    for folder in folders[:-1]:
        below = here.setdefault(folder, {})
        if not isinstance(below, dict):
            raise ImageError(f'"{folder}" is both a file and a folder: rename one.')
        here = below
    if folders[-1] in here:
        raise ImageError(f'"{path}" is both a file and a folder: rename one.')
    here[folders[-1]] = bytes(content)


def _write_folder(writer: object, tree: dict[str, object]) -> None:
    for name in sorted(tree):
        content = tree[name]
        if isinstance(content, dict):
            writer.opendir(name)  # type: ignore[attr-defined]
            _write_folder(writer, content)
            writer.closedir()  # type: ignore[attr-defined]
        else:
            writer.mkfile(name, content)  # type: ignore[attr-defined]


def _records(image: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, start and end of each record between two offsets."""
    while at < end:
        kind, at_size = _kind_at(image, at, end)
        start, size_bytes = _number(image, at_size, end)
        if start + size_bytes > end:
            raise _damaged()
        yield kind, start, start + size_bytes
        at = start + size_bytes


def _files(image: bytes, span: tuple[int, int], folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield the path of each file of a folder, and where its content begins and ends."""
    if folder.count("/") > _DEPTH_MAX:
        raise _damaged()
    names = set()
    for kind, start, stop in _records(image, *span):
        if kind not in (_KIND_FOLDER, _KIND_FILE):
            continue
        name_start, name_bytes = _number(image, start, stop)
        content_at = name_start + name_bytes
        name = image[name_start:content_at]
        if content_at > stop or not name or not name.isascii() or b"/" in name:
            raise _damaged()
        if name in names:  # a board takes the first, a reader of this list would see the last
            raise _damaged()
        names.add(name)
        path = folder + name.decode()
        if kind == _KIND_FOLDER:
            yield from _files(image, (content_at, stop), path + "/")
        else:
            yield path, *_content(image, content_at, stop)


def _content(image: bytes, at: int, end: int) -> tuple[int, int]:
    for kind, start, stop in _records(image, at, end):
        if kind == _KIND_DATA:
            return start, stop
        if kind == _KIND_POINTER:
            at_offset, size_bytes = _number(image, start, stop)
            _, offset = _number(image, at_offset, stop)
            if offset + size_bytes > len(image):
                raise _damaged()
            return offset, offset + size_bytes
    raise _damaged()


def _kind_at(image: bytes, at: int, end: int) -> tuple[int, int]:
    next_at, kind = _number(image, at, end)
    return kind, next_at


def _number(image: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, highest first; return the offset behind it, and it."""
    value = 0
    for offset in range(at, min(at + _NUMBER_BYTES_MAX, end)):
        value = value << 7 | image[offset] & 0x7F
        if not image[offset] & 0x80:
            return offset + 1, value
    raise _damaged()


def _damaged() -> ImageError:
    return ImageError("The ROMFS is damaged: flash the board again.")
