"""An application that never returns ends its run with a sentence, and not never."""

import time
from pathlib import Path

import pytest

from cma_toolkit.sim.scenario.describe import describe
from cma_toolkit.sim.scenario.load import load
from cma_toolkit.sim.scenario.run import Outcome, run
from cma_toolkit.sim.world import hang

LOOP = """
def setup(agent):
    @agent.every(500)
    def tell():
        while True:
            pass
"""

EVERYWHERE = pytest.mark.parametrize(
    "lacks",
    ([], ["pthread_getcpuclockid"], ["pthread_getcpuclockid", "clock_gettime"]),
    ids=["Linux", "macOS", "Windows"],
)


def ended(app: Path, text: str) -> Outcome:
    app.write_text(text)
    scenario = load(app)
    plain = {**describe(scenario, app, {}, None), "agents": 1, "seconds": 3}
    return run(plain, scenario.must, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LOOP, "the application never returns from tell, line 3"),
        ("def setup(agent):\n    while True:\n        pass\n", "from setup, line 1"),
        ("while True:\n    pass\n", "from <module>, line 1"),
    ],
)
def test_a_loop_without_end_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.1)
    outcome = ended(tmp_path / "app.py", text)
    assert says in outcome.failure and outcome.result is None
    assert 'app.py", line' in outcome.traceback and "kernel" not in outcome.traceback


def test_a_loop_in_a_module_beside_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.1)
    (tmp_path / "helper.py").write_text(LOOP.replace("setup", "put"))
    outcome = ended(tmp_path / "app.py", "import helper\nsetup = helper.put\n")
    assert "the application never returns from tell, line 3" in outcome.failure
    assert 'helper.py", line' in outcome.traceback


@EVERYWHERE
def test_a_loop_is_seen_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: list[str]
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.1)
    for name in lacks:
        monkeypatch.delattr(time, name)
    outcome = ended(tmp_path / "app.py", LOOP)
    assert "the application never returns from tell" in outcome.failure


@EVERYWHERE
def test_who_waits_hangs_in_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: list[str]
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.1)
    for name in lacks:
        monkeypatch.delattr(time, name)
    waits = LOOP.replace("while True", "for _ in range(1)").replace("pass", "time.sleep(0.25)")
    waits = "import time" + waits
    began_s = time.monotonic()
    assert not ended(tmp_path / "app.py", waits).failure
    assert time.monotonic() - began_s > 1.0
