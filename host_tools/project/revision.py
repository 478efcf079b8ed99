"""A folder as it was in a git revision, in a folder of its own for as long as it is needed."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from cma_toolkit.host_tools.errors import usage


@contextmanager
def checked_out(folder: Path, revision: str) -> Iterator[Path]:
    """Make a copy of a folder as it was in a revision; what is in the work tree is not touched.

    Raises: CmaError 2 without git, outside of a repository, for a revision that is not there, or
    one that has no such folder.
    """
    commit = find_commit(folder, revision)
    archive = _git(folder, "archive", "--format=tar", commit)
    if archive is None:
        raise usage(f"{revision} has no {folder}: name a later revision, or another --app.")
    with tempfile.TemporaryDirectory(prefix="cma-revision-") as name:
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(name, filter="data")
        yield Path(name)


def find_commit(folder: Path, revision: str) -> str:
    """Return the full name of the commit that a revision means.

    Raises: CmaError 2, as `checked_out`.
    """
    if _git(folder, "rev-parse", "--is-inside-work-tree") is None:
        raise usage(f"{folder.resolve()} is in no git repository: run git init and commit first.")
    named = ("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    found = _git(folder, *named)
    if not found:
        raise usage(f"git knows no revision {revision}: git log --oneline lists those there are.")
    return found.decode().strip()


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError:
        raise usage("git is not installed, and cma energy diff asks it: install git.") from None
    return ended.stdout if ended.returncode == 0 else None
