"""What moves files to and from a board, whichever tool does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Entry:
    """One entry of a folder on a board."""

    name: str
    is_folder: bool
    size_bytes: int


Entries = list[Entry]


class Files(Protocol):
    """The files of one board. `session.BoardSession` and `ampy_files.AmpyFiles` are two."""

    def put(self, path: str, data: bytes, *, skip_equal: bool = True) -> bool:
        """Write a file; False if it was equal and skipped."""

    def get(self, path: str) -> bytes:
        """Read a file."""

    def list(self, path: str = "/") -> Entries:
        """Return the entries of a folder in order of name."""

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder of that path."""

    def hashes(self, paths: Sequence[str]) -> dict[str, str | None]:
        """Return the SHA-256 of each path in hexadecimal, None where no file is."""

    def mkdir(self, path: str) -> None:
        """Make a folder and those above it, where they are not yet."""

    def remove(self, path: str) -> int:
        """Remove a file, or a folder with all below it; returns how many entries went."""
