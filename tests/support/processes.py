"""Which processes belong to a home of virtual boards, as the system sees it."""

import os
import select
from pathlib import Path


def processes_of(home: Path, word: str = "") -> list[int]:
    """Return the processes whose command line or environment names the home, and `word`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _names(folder, str(home), word):
            found.append(int(folder.name))
    return sorted(found)


def until_gone(processes: list[int], timeout_s: float = 20.0) -> None:
    """Wait until every one of these processes has ended."""
    for pid in processes:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([descriptor], [], [], timeout_s)[0], f"process {pid} lives on"
        finally:
            os.close(descriptor)


def _names(folder: Path, home: str, word: str) -> bool:
    try:
        command = (folder / "cmdline").read_bytes()
        if not command:
            return False
        environment = (folder / "environ").read_bytes()
    except OSError:  # it has just ended, or is another user's
        return False
    ours = home.encode() in command or (
        b"CMA_BOARD" in environment and home.encode() in environment
    )
    return ours and word.encode() in command
