"""A file that anybody may have made is refused in a sentence, or replayed and shown harmlessly."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.host_tools.cli import replay
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.sim.replay import recording as kinds
from support.crash_file import file_of

BEGIN = bytes([kinds.START, 1, kinds.SET_UP, 1])
ESCAPES = "\x1b]0;mine\x07\x1b[2J\x9b2J\u202e"
APP = "def setup(agent):\n    agent.sensor('soil').read()\n"


def text(data: bytes) -> str:
    return b64encode(data).decode()


def plain(**changes: Any) -> dict[str, Any]:
    sound: dict[str, Any] = {
        "format": 1,
        "mac": "020000000001",
        "app_crc": 0,
        "sectors": 2,
        "settings": {},
        "flash": {"1": text(b"x" * 64)},
        "crash": text(file_of(BEGIN)),
    }
    return {**sound, **changes}


def run(folder: Path, content: str, *more: str, app: str = "def setup(agent): pass\n") -> Result:
    (folder / "app.py").write_text(app)
    (folder / "crash.json").write_text(content)
    words = [str(folder / "crash.json"), "--app", str(folder / "app.py"), *more]
    return CliRunner().invoke(replay.command, words, standalone_mode=False)


def test_a_sound_file_is_replayed(tmp_path: Path) -> None:
    result = run(tmp_path, json.dumps(plain()))
    assert result.exception is None, result.output
    assert result.output.startswith("agent-000001: 2 inputs noted, 2 replayed")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": ESCAPES}, "no crash that cma saved"),
        ({"mac": None}, "no crash that cma saved"),
        ({"mac": 5}, "no crash that cma saved"),
        ({"mac": "zz"}, "MAC"),
        ({"mac": "02 00 00 00 00 01"}, "MAC"),
        ({"app_crc": "1"}, "no crash that cma saved"),
        ({"sectors": "2"}, "no crash that cma saved"),
        ({"sectors": 1 << 40}, "more sectors than any board"),
        ({"sectors": -1}, "more sectors than any board"),
        ({"flash": []}, "no crash that cma saved"),
        ({"flash": {"2": ""}}, "a sector that its journal does not have"),
        ({"flash": {"-1": ""}}, "a sector that its journal does not have"),
        ({"flash": {"one": ""}}, "no crash that cma saved"),
        ({"flash": {"1": text(bytes(4097))}}, "a sector that its journal does not have"),
        ({"settings": []}, "no crash that cma saved"),
        ({"settings": {"settings": text(b"\xff\xff")}}, "its settings are no CBOR"),
        ({"settings": {"currents": text(b"\xff\xff")}}, "its currents are no CBOR"),
        ({"crash": 7}, "no crash that cma saved"),
    ],
)
def test_what_no_board_says_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    result = run(tmp_path, json.dumps(plain(**changes)))
    assert isinstance(result.exception, CmaError), repr(result.exception)
    assert result.exception.code == ExitCode.REFUSED and why in result.exception.message
    assert all(each.isprintable() for each in result.exception.message)


@pytest.mark.parametrize("key", sorted(plain()))
def test_a_file_without_one_of_its_words_is_refused(tmp_path: Path, key: str) -> None:
    words = plain()
    del words[key]
    result = run(tmp_path, json.dumps(words))
    assert isinstance(result.exception, CmaError), repr(result.exception)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"format": ' + "1" * 5_000 + "}"])
def test_json_that_python_does_not_read_is_refused(tmp_path: Path, content: str) -> None:
    result = run(tmp_path, content)
    assert isinstance(result.exception, CmaError), repr(result.exception)


@pytest.mark.parametrize("inputs", [BEGIN, None])
def test_no_text_of_a_file_reaches_the_terminal_as_a_command(
    tmp_path: Path, inputs: bytes | None
) -> None:
    failure = cbor.encode(["ValueError", [ESCAPES]])
    noted = BEGIN + bytes([kinds.FAILED, len(failure)]) + failure if inputs else b""
    crash = file_of(noted, text=ESCAPES.encode(), magic=0xC3B6 if inputs else 0)
    settings = {"name": text(ESCAPES.encode())}
    result = run(tmp_path, json.dumps(plain(crash=text(crash), settings=settings)), app=APP)
    shown = result.output if inputs else str(result.exception)
    assert all(each.isprintable() or each == "\n" for each in shown), repr(shown)
    assert r"\x1b]0;mine\x07" in shown


def test_a_noted_exception_that_python_makes_otherwise_is_raised_all_the_same(
    tmp_path: Path,
) -> None:
    failure = cbor.encode(["UnicodeDecodeError", ["of one word"]])
    crash = file_of(BEGIN + bytes([kinds.FAILED, len(failure)]) + failure)
    result = run(tmp_path, json.dumps(plain(crash=text(crash))), app=APP)
    assert result.exception is None, result.output
    assert "RuntimeError: of one word" in result.output
