"""Say which code a run belongs to, so that a failure can be replayed by whoever reads its line."""

import shlex
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cma_toolkit.sim
from cma_toolkit.sim.scenario.run import Outcome


def failure_line(outcome: Outcome, file: Path, words: Sequence[str]) -> str:
    """Return the one line of a failure: seed, commit, what failed, the command that replays it.

    `words` are the options besides the seed that the run was given.
    """
    command = shlex.join(["cma", "sim", "run", str(file), *words, "--seed", str(outcome.seed)])
    failure = " ".join(outcome.failure.splitlines())  # an exception's text may have several
    return f"seed {outcome.seed}, {code_of(file)}: {failure}; replay: {command}"


def code_of(file: Path) -> str:
    """Return the commit of a file's project, and of the toolkit if that is another."""
    theirs = _commit(file.resolve().parent)
    room = Path(next(iter(cma_toolkit.sim.__path__))).resolve()
    ours = _commit(room) if room.parent.joinpath(".git").exists() else ""
    if theirs and theirs == ours:
        return f"commit {theirs}"
    return f"commit {theirs or 'none'}, cma {_version()}" + (f" of {ours}" if ours else "")


def _version() -> str:
    try:
        return version("cma-toolkit")
    except PackageNotFoundError:
        return "not installed"


def _commit(folder: Path) -> str:
    """Return the commit of the work tree around a folder, "+changes" if it has some, else ""."""
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    if not commit:
        return ""
    return commit + ("+changes" if _git(folder, "status", "--porcelain") else "")


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
    except OSError:  # there is no git on this computer
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
