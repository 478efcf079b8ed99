"""`cma sim run --compiled` and `swarm --compiled`: which process runs, and what is refused.

What stands in the cache here is a copy of one file that says when it is imported: whether machine
code comes to the same digest is held by the figure `world_speed`, which needs a C compiler.
"""

import json
import os
import subprocess
import sys

import pytest

from cma_toolkit.sim.world import compiled

APP = "def setup(agent):\n    agent.every(1_000)(lambda: agent.publish('n', 1))\n"
TICKS = "firmware/kernel/ticks.py"
SAID = "import sys; print('out of the cache', file=sys.stderr)\n"
SHORT = ["--agents", "2", "--minutes", "0.1", "-q", "-o", "json"]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def cma(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "sim", *arguments],
        cwd=folder,
        env={**os.environ, "CMA_CACHE": str(folder / "cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def made(project):
    folder = project / "cache" / "compiled" / compiled._digest_of(compiled._sources())
    copy = folder / "cma_toolkit" / TICKS
    copy.parent.mkdir(parents=True)
    copy.write_text((compiled.ROOT / TICKS).read_text() + SAID)
    return project


def test_a_run_has_the_machine_code_and_the_same_digest(made):
    plain, fast = (cma(made, "run", "app.py", *SHORT, *more) for more in ([], ["--compiled"]))
    assert fast.returncode == plain.returncode == 0
    assert fast.stderr.count("out of the cache") == 1 and not plain.stderr
    assert json.loads(fast.stdout)["digest"] == json.loads(plain.stdout)["digest"]


def test_each_process_of_a_swarm_has_it(made):
    ended = cma(made, "swarm", "app.py", *SHORT, "--seeds", "2", "--jobs", "2", "--compiled")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("out of the cache") > 1
    assert json.loads(ended.stdout)["runs"] == 2


def test_what_lies_in_the_present_folder_is_no_module(made):
    (made / "click.py").write_text("raise SystemExit('a stranger')\n")
    assert cma(made, "run", "app.py", *SHORT, "--compiled", PYTHONSAFEPATH="1").returncode == 0


def test_without_a_compiler_one_sentence_says_what_to_install(project):
    tools = project / "tools" / "mypyc"
    tools.mkdir(parents=True)
    (tools / "__init__.py").touch()
    (tools / "__main__.py").write_text("raise SystemExit('error: command gcc failed')\n")
    path = os.pathsep.join([str(tools.parent), os.environ.get("PYTHONPATH", "")])
    ended = cma(project, "run", "app.py", *SHORT, "--compiled", PYTHONPATH=path)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "making machine code, which takes minutes",
        "cma: --compiled: mypyc failed (error: command gcc failed); "
        "install cma-toolkit[compiled] and a C compiler.",
    ]


def test_what_cannot_be_run_is_refused_before_anything_is_made(project):
    ended = cma(project, "run", "absent.py", "--compiled")
    assert ended.returncode == 2 and "making" not in ended.stderr
    ended = cma(project, "run", "app.py", "--compiled", "--in-micropython", "agent-01")
    assert ended.returncode == 2 and "leave out --compiled" in ended.stderr
    assert not (project / "cache").exists()
