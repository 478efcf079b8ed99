"""What an application asks that no seed decides is found where it is written, and said once."""

from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.scenario.unseeded import warning
from support.cma_sim import cma_sim

ROOT = Path(__file__).parents[2]
SETUP = "\ndef setup(agent):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import random", "app.py imports random in line 1: "),
        ("import json, time", "app.py imports time in line 1: "),
        ("\nfrom random import choice", "app.py imports random in line 2: "),
        ("from os import urandom", "app.py imports os.urandom in line 1: "),
        ("import os\nseed = os.urandom(4)", "app.py asks os.urandom in line 2: "),
        ("def late():\n    import datetime", "app.py imports datetime in line 2: "),
        ("import time\nimport random", "app.py imports time in line 1, app.py imports random in "),
        ("import chance", "chance.py imports secrets in line 1: "),
        ("from room import deep", "deep.py imports uuid in line 1: "),
        ("import random\nimport random", "app.py imports random in line 1: it comes"),
    ],
)
def test_it_is_found(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "chance.py").write_text("import secrets\nimport app\n")
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "deep.py").write_text("import uuid\n")
    (tmp_path / "app.py").write_text(text + SETUP)
    sentence = warning(tmp_path / "app.py")
    assert sentence.startswith(says) and sentence.endswith("behind agent.sensor().")


@pytest.mark.parametrize(
    "text", ["import os, json\nos.getcwd()", "import randomness", "timer = 1", "import (", "\0"]
)
def test_nothing_else_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "app.py").write_text(text + SETUP)
    assert warning(tmp_path / "app.py") == warning(tmp_path / "none.py") == ""


def test_no_example_asks_for_it() -> None:
    files = [*ROOT.glob("firmware/examples/*.py"), *ROOT.glob("sim/scenario/examples/*.py")]
    assert files and not [file for file in files if warning(file)]


def test_it_is_said_and_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import random" + SETUP)
    for words in (("app.py",), ("swarm", "app.py", "--seeds", "1", "--jobs", "1")):
        run = cma_sim(*words, "--agents", "1", "--minutes", "0.1", "-q", cwd=tmp_path)
        assert run.returncode == ExitCode.OK and "digest" in run.stdout
        assert run.stderr.count("imports random in line 1") == 1
