"""`cma energy diff`: a change of an application, in uAh and days, and its budget."""

import json
import subprocess
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.world import hang

APP = """
def setup(agent):
    soil = agent.sensor("soil")

    @agent.every(300_000)
    def sample():
        agent.publish("moisture", soil.read())
"""
DEARER = APP + "        agent.publish('again', 'x' * 150)\n"
FLEET = 'name = "f"\nnetwork = 1\n[settings.wake_period_ms]\ntype = "int"\ndefault = 300000\n'

SHORT = ("--hours", "2", "--agents", "2")


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "greenhouse"  # below the repository's root
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "fleet.toml").write_text(FLEET)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.chdir(folder)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run `cma energy diff`; return what it wrote."""
    with pytest.raises(SystemExit) as ended:
        main(["energy", "diff", *arguments])
    captured = capsys.readouterr()
    assert ended.value.code == code, captured.err
    return captured.out, captured.err


def test_nothing_changed_is_nothing_used(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    out, _ = run(capsys, "HEAD", "--budget-uah", "0", *SHORT)
    assert out.startswith("No change. In all") and "(+0.0)" in out


def test_a_second_message_is_blamed_on_its_handler(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    (project / "app.py").write_text(DEARER)
    out, _ = run(capsys, "HEAD", *SHORT, "-o", "json")
    found = json.loads(out)
    rows = {(row["cause"], row["state"]): row for row in found["rows"]}
    sending = rows["sample()", "wifi_tx"]
    # One frame of some 170 bytes more in 300 s: 1.9 ms at 335 mA, less what listening takes.
    assert sending["uah_per_day"] - sending["uah_per_day_before"] == pytest.approx(38, rel=0.15)
    causes = {cause["name"]: cause for cause in found["causes"]}
    assert causes["sample()"]["more_days"] < 0 < found["more_uah_per_day"]
    assert found["battery_days"] < found["battery_days_before"]
    total = sum(row["uah_per_day"] for row in found["rows"])
    assert total == pytest.approx(found["uah_per_day"], abs=1)


def test_beyond_the_budget_it_fails_and_says_by_how_much(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    (project / "app.py").write_text(DEARER)
    more = json.loads(run(capsys, "HEAD", *SHORT, "-o", "json")[0])["more_uah_per_day"]
    run(capsys, "HEAD", *SHORT, "--budget-uah", str(more + 1))
    below = str(more - 1)
    out, err = run(capsys, "HEAD", *SHORT, "--budget-uah", below, code=ExitCode.REFUSED)
    assert "sample(): +" in out and "uAh/day, -" in out
    assert f"is beyond the budget of {more - 1:g}" in err
    git(project, "commit", "-qam", "dearer")
    (project / "app.py").write_text("raise ValueError\n")  # the work tree is not asked
    out, _ = run(capsys, "HEAD~1..HEAD", *SHORT)
    assert "sample(): +" in out
    run(capsys, "HEAD..HEAD~1", "--budget-uah", "5", *SHORT)  # cheaper again


def test_a_change_of_a_setting_counts(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "fleet.toml").write_text(FLEET.replace("300000", "150000"))
    out, _ = run(capsys, "HEAD", *SHORT)
    assert "(windows): +" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("HEAD~7",), "git knows no revision HEAD~7"),
        (("--", "--output=x"), "git knows no revision --output=x"),
        (("HEAD..",), "write REV, or REV..REV2"),
        (("..HEAD",), "write REV, or REV..REV2"),
        (("HEAD", "--app", "other.py"), "other.py: no such file"),
        (("HEAD", "--app", "new.py"), "HEAD has no new.py"),
        (("HEAD", "--app", "new/app.py"), "HEAD has no new"),
        (("HEAD..HEAD", "--app", "none/app.py"), "none: no such folder"),
        (("HEAD", "--board", "esp32"), "is a chip"),
        (("HEAD", "--battery-mah", "0"), "0"),
        (("HEAD", "--set", "wake=1"), "no such setting"),
    ],
)
def test_a_wrong_question_is_one_sentence(
    capsys: pytest.CaptureFixture[str], project: Path, arguments: tuple[str, ...], says: str
) -> None:
    (project / "new.py").write_text(APP)
    (project / "new").mkdir()
    (project / "new" / "app.py").write_text(APP)
    out, err = run(capsys, *arguments, code=ExitCode.USAGE)
    assert says in err and "Traceback" not in err and not out


def test_outside_of_a_repository_it_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "app.py").write_text(APP)
    _, err = run(capsys, "HEAD", code=ExitCode.USAGE)
    assert "is in no git repository" in err
    monkeypatch.setenv("PATH", str(tmp_path))
    _, err = run(capsys, "HEAD", code=ExitCode.USAGE)
    assert "git is not installed" in err


def test_what_does_not_work_is_not_cheap(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    (project / "app.py").write_text("def setup(agent):\n    raise ValueError\n")
    _, err = run(capsys, "HEAD", *SHORT, "--budget-uah", "1", code=ExitCode.REFUSED)
    assert "times, 0 before: what it uses says nothing" in err
    run(capsys, "HEAD", *SHORT)  # without a budget it is told


def test_an_application_that_never_returns_is_named(
    capsys: pytest.CaptureFixture[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.2)
    (project / "app.py").write_text("def setup(agent):\n    while True:\n        pass\n")
    _, err = run(capsys, "HEAD", *SHORT, code=ExitCode.SOME_FAILED)
    assert "app.py: the application never returns from setup, line 1; mend it." in err
    git(project, "commit", "-qam", "second")
    git(project, "tag", "stuck")
    (project / "app.py").write_text(APP)
    _, err = run(capsys, "stuck", *SHORT, code=ExitCode.SOME_FAILED)
    assert "app.py of stuck: the application never returns from setup, line 1; mend it." in err


@pytest.mark.parametrize("option", ["--hours", "--battery-mah", "--budget-uah"])
def test_a_number_is_one(capsys: pytest.CaptureFixture[str], project: Path, option: str) -> None:
    _, err = run(capsys, "HEAD", option, "nan", code=ExitCode.USAGE)
    assert option in err and "nan" in err
