"""`cma power` says what a board uses, and how far a recording is from it."""

import json
import re
from pathlib import Path

import pytest

from cma_toolkit.boards.load import list_boards, load_board
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.power.model import budget
from support.recording import write_recording

MANUAL = Path(__file__).parents[2] / "docs" / "power.md"

APP = """
def setup(agent):
    @agent.every(30_000)
    def measure():
        agent.publish("soil", 1)
        agent.publish("air", 2)

    @agent.on("soil")
    def heard(message):
        agent.publish("seen", 3)
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run `cma power`; return what it wrote."""
    with pytest.raises(SystemExit) as ended:
        main(["power", *arguments])
    assert ended.value.code == code, capsys.readouterr().err
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.parametrize("board", [board.id for board in list_boards()])
def test_every_board_has_a_budget(capsys: pytest.CaptureFixture[str], board: str) -> None:
    out, _ = run(capsys, "--board", board, "--battery-mah", "3000")
    assert "deep_sleep" in out and "unmeasured on silicon" in out and "3000 mAh last" in out
    assert ("taken for" in out) is (load_board(board).chip not in ("esp32", "esp32s3"))


def test_json_is_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "--period", "300", "--boot", "frozen", "-o", "json")
    fields = json.loads(out)
    model = budget(load_board("esp32-s3-devkitc-1"), "frozen", 300_000)
    assert fields["average_mw"] == round(model.average_mw, 4)
    assert fields["is_measured_on_silicon"] is False
    total = sum(part["uah_per_day"] for part in fields["parts"])
    assert total == pytest.approx(fields["uah_per_day"], abs=2)


def test_handlers_are_counted_in_a_world(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    out, _ = run(capsys, str(app), "--period", "60", "-o", "json")
    handlers = {handler["name"]: handler for handler in json.loads(out)["handlers"]}
    assert handlers["measure"]["what"] == "every 30 s"
    assert handlers["measure"]["calls_per_day"] == pytest.approx(2_880, rel=0.06)
    assert handlers["measure"]["frames_per_day"] == 2 * handlers["measure"]["calls_per_day"]
    assert 0 < handlers["heard"]["calls_per_day"] <= handlers["measure"]["calls_per_day"] * 1.1
    assert handlers["measure"]["sending_uah_per_day"] > handlers["heard"]["sending_uah_per_day"]
    out, _ = run(capsys, str(app), "--period", "60")
    assert "kernel's own account is" in out


def test_the_applications_own_account_says_how_long_a_battery_lasts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    out, _ = run(capsys, str(app), "--battery-mah", "3000", "-o", "json")
    fields = json.loads(out)
    days = 3_000_000 / fields["account_uah_per_day"]
    assert fields["account_battery_days"] == pytest.approx(days, abs=1) and days > 1
    assert fields["app_errors"] == 0
    out, _ = run(capsys, str(app), "--battery-mah", "3000")
    assert f"by that account 3000 mAh last {fields['account_battery_days']} days" in out


def test_a_recording_is_held_against_the_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = budget(load_board("esp32-s3-devkitc-1"), "stock", 10_000)
    for scale in (1.0, 1.2):
        file = tmp_path / "ppk.csv"
        write_recording(file, model, wakes=3, scale=scale)
        out, _ = run(capsys, "--csv", str(file), "-o", "json")
        found = json.loads(out)["recording"]
        assert found["wakes"] == 3 and found["period_s"] == pytest.approx(10, rel=0.01)
        assert found["sleep"] == "deep_sleep"
        for name in ("wake_uc", "sleep_ua", "average_ua"):
            assert found[name]["deviation_percent"] == pytest.approx((scale - 1) * 100, abs=2)
        assert abs(found["awake_ms"]["deviation_percent"]) < 2
    out, _ = run(capsys, "--csv", str(file))
    assert "3 whole wakes" in out and "+20." in out and "█" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--board", "esp32-s3"), 'No board is called "esp32-s3"'),
        (("--board", "esp32s3"), "boards that have it are esp32-s3-devkitc-1"),
        (("--board", "esp32h2"), "no board has it"),
        (("no-such.py",), "no such file; name your application, as in: cma power app.py"),
        (("--csv", "absent.csv"), "absent.csv: cannot be read"),
        (("--csv", "quiet.csv"), "no whole wake above 5 mA"),
        (("--csv", "binary.csv"), "binary.csv: cannot be read"),
        (("--period", "1", "--listen", "900"), "choose a longer --period"),
    ],
)
def test_a_mistake_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiet.csv").write_text("Timestamp(ms),Current(uA)\n0,8\n1,8\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    _, err = run(capsys, *arguments, code=int(ExitCode.USAGE))
    assert sentence in err and err.count("\n") == 1


def test_a_board_without_currents_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = load_board("esp32-c3-devkitm-1").path.read_text()
    start, end = text.index("[currents.active]"), text.index("[[partitions]]")
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.toml").write_text(text[:start] + text[end:])
    (tmp_path / "fleet.toml").write_text('name = "f"\n')
    monkeypatch.chdir(tmp_path)
    _, err = run(capsys, "--board", "mine", code=int(ExitCode.USAGE))
    assert "gives no current for active" in err


def test_the_manual_shows_what_a_person_sees(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MANUAL.read_text()
    monkeypatch.chdir(tmp_path)
    (recording,) = re.findall(r"```csv ppk2\.csv\n(.*?)```", text, re.DOTALL)
    (tmp_path / "ppk2.csv").write_text(recording)
    shown = re.findall(r"\$ cma power ([^\n]*)\n```\n```text\n(.*?)```", text, re.DOTALL)
    assert len(shown) == 2
    for arguments, expected in shown:
        out, _ = run(capsys, *arguments.split())
        assert expected in out
