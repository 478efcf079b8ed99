"""Somebody who types commands of `cma` in a project, in the process of the test."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.host_tools.cli import release
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release.procedures import Office
from support.release_signers import SMALL

APPLICATION = "def setup(agent):\n    pass\n"


class Person:
    """Types commands and reads what they say; `before` begins each of them."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *before: str) -> None:
        self._capsys = capsys
        self._before = before

    def types(self, line: str, code: ExitCode = ExitCode.OK) -> str:
        """Run a command; return what it said, and first what it refused if it did."""
        said, refused = self._run(line, code)
        return refused + said if code else said

    def reads(self, line: str, code: ExitCode = ExitCode.OK) -> dict[str, Any]:
        """Return the one object that a command writes."""
        found: dict[str, Any] = json.loads(self._run(f"{line} -o json", code)[0])
        return found

    def _run(self, line: str, code: ExitCode) -> tuple[str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*self._before, *line.split()])
        said = self._capsys.readouterr()
        assert ended.value.code == code, said.err
        return said.out, said.err


def settle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a project with an application, whose keys are quick to make."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    # Keys of 32 signatures: the manual's page makes those of 1,024, a second's work each.
    monkeypatch.setattr(release, "Office", partial(Office, parameters=SMALL))
    Path("app.py").write_text(APPLICATION)
