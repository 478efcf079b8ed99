"""A disk in memory whose power goes at any step.

What nobody synced is lost then, or kept, as a test says.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cma_toolkit.host_tools.release.disk import OWNER_ONLY, Disk


class PowerCutError(Exception):
    """The power went."""


class _File:
    def __init__(self) -> None:
        self.data = b""
        self.synced = b""


class ModelDisk(Disk):
    """Files and names, as they are and as they are after a power cut."""

    def __init__(self) -> None:
        self.steps_left = -1  # until the power goes; negative: never
        self.steps = 0
        self._names: dict[Path, _File] = {}
        self._synced: dict[Path, _File] = {}

    def _step(self) -> None:
        if self.steps_left == 0:
            raise PowerCutError
        self.steps_left -= 1
        self.steps += 1

    def start_again(self, *, keeps: bool) -> None:
        """Switch the power on: the disk `keeps` what was not synced, or has lost it."""
        self.steps_left = -1
        if not keeps:
            self._names = dict(self._synced)
            for file in self._names.values():
                file.data = file.synced

    def read(self, path: Path) -> bytes | None:
        """Return what a running computer reads."""
        return self._names[path].data if path in self._names else None

    def files(self, folder: Path) -> list[Path]:
        """Return the files of a folder."""
        return [path for path in self._names if path.parent == folder]

    def write(self, path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
        """Write half, then the rest."""
        for part in (data[: len(data) // 2], data):
            self._step()
            self._names.setdefault(path, _File()).data = part

    def sync(self, path: Path) -> None:
        """Keep a file's bytes, not its name."""
        self._step()
        self._names[path].synced = self._names[path].data

    def rename(self, path: Path, to: Path) -> None:
        """Move a name."""
        self._step()
        self._names[to] = self._names.pop(path)

    def sync_folder(self, folder: Path) -> None:
        """Keep a folder's names."""
        self._step()
        others = {path: file for path, file in self._synced.items() if path.parent != folder}
        now = {path: file for path, file in self._names.items() if path.parent == folder}
        self._synced = {**others, **now}

    def remove(self, folder: Path) -> None:
        """Lose a whole folder, for good."""
        for names in (self._names, self._synced):
            for path in [path for path in names if path.parent == folder]:
                del names[path]

    @contextlib.contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Let the only process in."""
        yield
