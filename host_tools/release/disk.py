"""What a signer asks of a disk, step by step, so that a test can lose the power at each.

Nothing counts as kept before its file and its folder are synced.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
ANYBODY_READS = OWNER_ONLY | stat.S_IRGRP | stat.S_IROTH
FRESH = ".new"


class Disk:
    """The computer's disk."""

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def files(self, folder: Path) -> list[Path]:
        """Return the files in a folder, none if there is no folder."""
        return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []

    def write(self, path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
        """Write a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "wb") as file:
            file.write(data)

    def sync(self, path: Path) -> None:
        """Return when a file's bytes are on the disk."""
        descriptor = os.open(path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, path: Path, to: Path) -> None:
        """Give a file another name, in place of what had it."""
        path.replace(to)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""
        if os.name == "nt":  # a folder cannot be opened there; its journal keeps the order
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Wait until no other process is inside, then keep others out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)  # which lets go of the lock


def replace(disk: Disk, path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
    """Put bytes in the place of a file's: after a power cut it has the old ones or these."""
    fresh = path.with_name(path.name + FRESH)
    disk.write(fresh, data, mode)
    disk.sync(fresh)
    disk.rename(fresh, path)
    disk.sync_folder(path.parent)


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
