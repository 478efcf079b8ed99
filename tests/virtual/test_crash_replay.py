"""A crash of a virtual board, with the real firmware, repeated on this computer."""

import json
import subprocess
import sys
from binascii import crc32
from pathlib import Path

import pytest
from click.testing import CliRunner

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.host_tools.cli import replay
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.sim.replay import recording
from support.board_records import AgentBoard
from support.crashes import LATE, PLANTS, ask, replayed
from support.drivers import ask as ask_board
from support.drivers import with_drivers
from support.running_board import RunningBoard
from support.virtual import VirtualBoards

# One of each way: a sensor, state, a crash of the agent, a hang, a frame, a snapshot.
SAMPLE = ("cold", "counts", "nameless", "hangs", "hears", "wakes")


@pytest.mark.parametrize("name", SAMPLE)
def test_a_crash_is_reproduced(shared_boards: VirtualBoards, tmp_path: Path, name: str) -> None:
    found = replayed(shared_boards, tmp_path, name, PLANTS[name])
    assert found.code == ExitCode.OK, found.text
    assert found.said["reproduced"] and not found.said["overflowed"]
    assert found.said["notes"] == []


def test_what_was_pushed_out_is_said(shared_boards: VirtualBoards, tmp_path: Path) -> None:
    found = replayed(shared_boards, tmp_path, "late", LATE)
    assert found.code == ExitCode.VERIFY_FAILED
    assert found.said["overflowed"] and "Its ring overflowed: the first" in found.said["text"]


def test_another_application_does_not_pass_for_the_one_that_crashed(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    plant = PLANTS["divides"]
    board = AgentBoard(shared_boards, "other", plant.app)
    board.wait_event("crash kept")
    app = tmp_path / "app.py"
    app.write_text(plant.app.replace("1 // 0", "1 // 1"))
    found = ask(board, app)
    assert found.code == ExitCode.VERIFY_FAILED
    assert "differs from the board's" in found.said["notes"][0]
    assert "goes on without an error" in found.said["text"]


def test_a_crash_outlives_the_power_and_is_debugged_from_a_file(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    plant = PLANTS["exits"]
    board = AgentBoard(shared_boards, "carried", plant.app)
    board.wait_event("crash kept")
    board.client.stop(board.name)
    board.client.start(board.name)
    app, kept = tmp_path / "app.py", tmp_path / "crash.json"
    app.write_text(plant.app)
    assert ask(board, app, "--save", str(kept)).code == ExitCode.OK
    done = subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "replay", str(kept), "--pdb"],
        cwd=tmp_path,
        input="p count\nq\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert "raise SystemExit(7)" in done.stdout
    assert "(Pdb) [3]" in done.stdout, "the debugger stands where it crashed"


def test_a_board_that_did_not_crash_has_nothing_to_replay(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = AgentBoard(shared_boards, "sound", "def setup(agent): agent.report('good')\n")
    board.wait_app("good")
    (tmp_path / "app.py").write_text("")
    found = ask(board, tmp_path / "app.py")
    assert "has kept no crash" in found.text


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["nowhere"], ExitCode.USAGE, "add --last-crash"),
        (["bad.json", "--last-crash"], ExitCode.USAGE, "leave out --last-crash"),
        (["bad.json", "--app", "none.py"], ExitCode.USAGE, "name your application with --app"),
        (["bad.json"], ExitCode.REFUSED, "no crash that cma saved"),
        (["empty.json"], ExitCode.REFUSED, "no crash that cma saved"),
        (["new.json"], ExitCode.REFUSED, "its format is 9"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("app.py", ""), ("bad.json", "{"), ("empty.json", "[]")):
        Path(name).write_text(text)
    Path("new.json").write_text(json.dumps({"format": 9}))
    result = CliRunner().invoke(replay.command, words, standalone_mode=False)
    assert isinstance(result.exception, CmaError), result.output
    assert result.exception.code == code and why in result.exception.message
    assert "\n" not in result.exception.message


FILL = """
import binascii
from device.rtc import Rtc
from device.recorder import ON_FRAME, ON_TIME, Recorder
rtc = Rtc()
rtc.take_snapshot()
recorder = Recorder(rtc, (1, b"", None), 5, 300, 0)
now_ms = rtc.now_ms()
for count in range(%d):
    recorder.note(ON_FRAME, now_ms + count, count, bytes([count & 0xFF] * 40), 40)
assert rtc.memory == machine.RTC().memory()
print(now_ms, binascii.hexlify(rtc.memory).decode())
"""


@pytest.mark.parametrize("count", [1, 30, 40, 200])
def test_a_full_ring_keeps_the_newest_inputs_and_says_that_it_lost_some(count: int) -> None:
    async def test(board: RunningBoard) -> None:
        began_ms, memory = (await ask_board(board, FILL % count)).split()
        data = b"cma\x01\x03\x00\x00" + bytes.fromhex(memory)
        found = recording.read(data + crc32(data).to_bytes(4, "big"))
        assert found.inputs
        numbers = [told.number for told in found.inputs]
        assert numbers == list(range(count - len(numbers), count))
        at_ms = [told.at_ms - int(began_ms) for told in found.inputs]
        assert at_ms == numbers, "instants are right though what they count from is gone"
        assert (found.lost_bytes > 0) == (len(numbers) < count)
        assert len(numbers) == count or len(numbers) >= 14, "half of what fits, or more"

    with_drivers(test)


SENSE = """
import binascii
from device import parts
from device.rtc import Rtc
from device.recorder import Recorder
class Sensor:
    value = 7
    def read(self):
        return self.value
class Board:
    recorder = None
board, sensor, rtc = Board(), Sensor(), Rtc()
rtc.take_snapshot()
board.recorder = Recorder(rtc, (1, b"", bytes(%d)), 5, 300, 0)
parts._from_driver = lambda board, name: sensor
for _ in range(2):
    parts.make(board, "sensor", "soil")
for sensor.value in %s:
    sensor.read()
assert rtc.memory == machine.RTC().memory()
print(binascii.hexlify(rtc.memory).decode())
"""


@pytest.mark.parametrize(
    ("snapshot_bytes", "values", "noted", "has_holes"),
    [
        (0, "[7, bytes(1000)]", [7, bytes(1000)], False),  # of a sensor that was asked for twice
        (700, "[7, bytes(1000), 8]", [7, 8], True),
        (1024, "[7, bytes(437), 8]", [7, 8], True),
        (1024, "[bytes(436), 8]", [8], False),  # it fits, and is pushed out
    ],
)
def test_a_value_too_large_for_the_ring_is_left_out_and_said(
    snapshot_bytes: int, values: str, noted: list[object], has_holes: bool
) -> None:
    async def test(board: RunningBoard) -> None:
        memory = await ask_board(board, SENSE % (snapshot_bytes, values))
        data = b"cma\x01\x03\x00\x00" + bytes.fromhex(memory)
        found = recording.read(data + crc32(data).to_bytes(4, "big"))
        assert found.inputs
        assert [cbor.decode(told.data) for told in found.inputs] == noted
        assert found.has_holes == has_holes

    with_drivers(test)
