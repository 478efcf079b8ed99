"""The exit codes are a promise: one page, one file, one table, and `cma` keeps to them."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from cma_toolkit.host_tools.cli import main
from cma_toolkit.host_tools.errors import CmaError, ExitCode

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "exit-codes.md"


def test_the_page_lists_the_codes_of_errors_py() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {code.name: code.value for code in ExitCode}


def leave_with(monkeypatch: pytest.MonkeyPatch, end: object) -> int:
    def callback() -> object:
        if isinstance(end, BaseException):
            raise end
        return end

    monkeypatch.setattr(main, "command", click.Command("cma", callback=callback))
    with pytest.raises(SystemExit) as caught:
        main.main([])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize("code", list(ExitCode))
def test_an_error_leaves_with_its_code_and_its_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: ExitCode
) -> None:
    assert leave_with(monkeypatch, CmaError("It rains. Take an umbrella.", code)) == code
    assert capsys.readouterr().err == "cma: It rains. Take an umbrella.\n"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (None, ExitCode.OK),
        (0, ExitCode.OK),
        (6, ExitCode.SOME_FAILED),
        (click.UsageError("no such option"), ExitCode.USAGE),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (ZeroDivisionError(), ExitCode.UNEXPECTED),
    ],
)
def test_every_end_has_a_documented_code(
    monkeypatch: pytest.MonkeyPatch, end: object, code: ExitCode
) -> None:
    assert leave_with(monkeypatch, end) == code


def test_a_wrong_flag_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "devices", "--colour"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.USAGE
    assert "--colour" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("simm", "no such command 'simm'; see cma --help."),
        ("sim rum x.toml", "no such command 'rum'; did you mean 'run'?"),
        ("sim run", "missing argument 'FILE'; see cma sim run --help."),
        (
            "sim x.py --agents 0",
            "--agents: write a number from 1 to 100000, not 0; see ",
        ),
        ("sim x.py --seed -1", "--seed: write a number of 0 or more, not -1; see cma sim run "),
        (
            "sim x.py --agents ten",
            "--agents: write a whole number, not ten; see cma sim run ",
        ),
        ("sim x.py --minutes x", "--minutes: write a number, not x; see cma sim run --help."),
        (
            "sim x.py -o xml",
            "-o / --output: 'xml' is not one of 'table', 'json'; see cma ",
        ),
        ("energy diff HEAD --budget 1", "no such option '--budget'; did you mean '--budget-uah'?"),
    ],
)
def test_what_is_mistyped_is_one_sentence(
    capsys: pytest.CaptureFixture[str], words: str, says: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(words.split())
    told = capsys.readouterr().err
    assert left.value.code == ExitCode.USAGE
    assert told.startswith(f"cma: {says}") and told.count("\n") == 1


@pytest.mark.parametrize("group", ["agent", "energy", "micropython", "release", "sim", "virtual"])
def test_help_cuts_no_sentence(capsys: pytest.CaptureFixture[str], group: str) -> None:
    with pytest.raises(SystemExit):
        main.main([group, "--help"])
    told = capsys.readouterr().out
    assert "Commands:" in told and "..." not in told.partition("Commands:")[2]


def test_ctrl_c_leaves_with_130(tmp_path: Path) -> None:
    program = (
        "import time; from cma_toolkit.host_tools.cli import main\n"
        "import click\n"
        "@click.command()\n"
        "def wait():\n print('waiting', flush=True)\n time.sleep(600)\n"
        "main.command = wait\n"
        "main.main([])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout and process.stdout.readline() == "waiting\n"
        began_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(10)
    assert process.returncode == ExitCode.INTERRUPTED
    assert time.monotonic() - began_s < 5
