"""`cma sim run --report` as a person uses it, and the page that comes of it in a real browser."""

from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from support.chromium import Browser
from support.cma_sim import cma_sim

pytestmark = pytest.mark.xdist_group("browser")

EXAMPLE = Path(__file__).parents[2] / "firmware/examples/greenhouse.py"


def test_a_run_leaves_a_page_that_shows_it(browser: Browser, tmp_path: Path) -> None:
    report = tmp_path / "out.html"
    words = (str(EXAMPLE), "--agents", "4", "--minutes", "2")
    plain, shown = cma_sim(*words), cma_sim(*words, "--report", str(report))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == plain.stdout  # the digest, too
    page = browser.open(report)
    assert page.problems() == []
    digest = plain.stdout.splitlines()[-1].split()[1]
    assert digest in page.text("#facts")
    assert "4 shown" in page.text("#shown")


def test_a_run_that_fails_leaves_a_page_that_says_why(browser: Browser, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("def setup(agent):\n    agent.every(5_000)(lambda: 1 // 0)\n")
    scenario = tmp_path / "field.toml"
    scenario.write_text(
        '[who]\nagents = 2\napp = "app.py"\n[when]\nminutes = 1\n[must]\nno_errors = true\n'
    )
    report = tmp_path / "out.html"
    run = cma_sim("run", str(scenario), "--report", str(report))
    assert run.returncode == ExitCode.SOME_FAILED, run.stderr
    page = browser.open(report, fragment="#agent-01")
    assert "ZeroDivisionError" in page.text("#verdict")
    assert "ZeroDivisionError in" in page.text("#lines")


def test_a_battery_that_empties_is_drawn_over_time(browser: Browser, tmp_path: Path) -> None:
    scenario = tmp_path / "field.toml"
    (tmp_path / "app.py").write_text(EXAMPLE.read_text())
    scenario.write_text(
        '[who]\nagents = 2\napp = "app.py"\nboard = "esp32-devkitc"\n'
        "[supply]\ncapacity_mah = 2\n[when]\nminutes = 1\n"
    )
    report = tmp_path / "out.html"
    run = cma_sim("run", str(scenario), "--report", str(report))
    assert run.returncode == ExitCode.OK, run.stderr
    page = browser.open(report, fragment="#agent-01")
    assert page.problems() == []
    assert "Charge of a battery" in page.text("#charts")
    told = "Number(document.querySelector('#life').innerText.match(/charge (\\d+) %/)[1])"
    assert 0 < page.evaluate(told) < 50
    page.evaluate(
        "(() => { const it = document.querySelector('#cursor'); it.value = 0;"
        "it.dispatchEvent(new Event('input')); })()"
    )
    assert page.evaluate(told) >= 97
    assert "brown-outs\n0" in page.text("#life .numbers")
