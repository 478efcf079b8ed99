"""A session reaches the prompt whatever the board is doing, and leaves it as it found it."""

import hashlib
import os
import time
from collections.abc import Callable

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports import session as session_module
from cma_toolkit.host_tools.ports.serial_port import open_serial
from cma_toolkit.host_tools.ports.session import BoardSession, ScriptError
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.stock_board import make_stock
from support.virtual import VirtualBoards

ASYNCIO_MAIN = b"""
import asyncio
print("main starts")
async def tick():
    while True:
        await asyncio.sleep_ms(10)
asyncio.run(tick())
"""
CHATTY_MAIN = b"""
print("main starts")
n = 0
while True:
    n += 1
    print("line", n, "x" * 60)
"""
STUBBORN_MAIN = b"""
import time
print("main starts")
for patience in range(2):
    try:
        while True:
            time.sleep_ms(20)
    except KeyboardInterrupt:
        print("not yet")
while True:
    time.sleep_ms(20)
"""
SLEEPY_MAIN = b"""
import machine, time
print("main starts")
time.sleep_ms(50)
machine.deepsleep(3000)
"""
BYTES = bytes(range(256)) * 20


@pytest.fixture(autouse=True)
def environment(shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))
    monkeypatch.setenv("CMA_PORT_HANDLERS", "cma_toolkit.sim.virtual_board.handlers")


@pytest.fixture(scope="module")
def prompt(shared_boards: VirtualBoards) -> BoardInfo:
    """Give the module one board that is at its prompt."""
    return shared_boards.make(name="prompt")


def starts(boards: VirtualBoards, name: str) -> int:
    return boards.console(name).count(b"main starts")


def wait_until(met: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def running(boards: VirtualBoards, name: str, main: bytes) -> BoardInfo:
    info = make_stock(boards, name, files={"main.py": main})
    wait_until(lambda: starts(boards, name) == 1)
    return info


@pytest.mark.parametrize("main", [ASYNCIO_MAIN, STUBBORN_MAIN])
def test_a_busy_program_is_interrupted_and_runs_again_afterwards(
    shared_boards: VirtualBoards, main: bytes
) -> None:
    name = f"busy-{hashlib.sha256(main).hexdigest()[:6]}"
    info = running(shared_boards, name, main)
    with BoardSession(info.fast) as board:
        assert [entry.name for entry in board.list("/")] == ["main.py"]
        assert board.arrival.was_running
        assert starts(shared_boards, name) == 1
    wait_until(lambda: starts(shared_boards, name) == 2)


def heard(read: Callable[[], bytes], text: bytes) -> bool:
    """Read until `text` came, in whatever portions."""
    said = b""
    deadline_s = time.monotonic() + 10.0
    while text not in said and time.monotonic() < deadline_s:
        said = (said + read())[-10_000:]
    return text in said


def test_a_board_that_prints_without_end_is_interrupted_and_prints_on(
    shared_boards: VirtualBoards,
) -> None:
    info = make_stock(shared_boards, "chatty", files={"main.py": CHATTY_MAIN})
    with BoardSession(info.fast) as board:
        assert board.arrival.was_running
        assert board.hash("/main.py")
    line = open_serial(info.fast, timeout_s=0.2)
    assert heard(lambda: bytes(line.read(1000)), b"line 7 x")
    line.close()


def test_a_board_at_its_prompt_stays_there(
    shared_boards: VirtualBoards, prompt: BoardInfo
) -> None:
    boots = shared_boards.console(prompt.name).count(b"soft reboot")
    with BoardSession(prompt.fast) as board:
        assert not board.arrival.was_running
        assert board.arrival.tries == 1
    assert shared_boards.console(prompt.name).count(b"soft reboot") == boots


# pyserial 3.5 names its reader thread in a way that Python has deprecated; that is no finding.
@pytest.mark.filterwarnings("ignore:set(Daemon|Name)..:DeprecationWarning")
@pytest.mark.parametrize("endpoint", ["fast", "pty", "url"])
def test_each_endpoint_carries_a_session(prompt: BoardInfo, endpoint: str) -> None:
    with BoardSession(getattr(prompt, endpoint)) as board:
        board.put("/bytes.bin", BYTES, skip_equal=False)
        assert board.get("/bytes.bin") == BYTES


@pytest.mark.parametrize(
    "left_behind",
    [b"\x01", b"\x01print(1", b"\x01\x05A\x01print(", b"\x01while True: pass\x04", b"\x05x = 1"],
)
def test_what_a_crashed_tool_left_is_cleared(prompt: BoardInfo, left_behind: bytes) -> None:
    line = open_serial(prompt.fast, timeout_s=0.2)
    line.write(left_behind)
    line.read(4096)
    line.close()
    with BoardSession(prompt.fast) as board:
        assert board.run_script("files", do="list", path="/nowhere") is None


def test_a_board_with_a_file_where_images_are_mounted_is_reached(
    shared_boards: VirtualBoards,
) -> None:
    info = shared_boards.make(name="odd-rom")
    with BoardSession(info.fast) as board:
        board.put("/rom", b"a file of somebody")
    with BoardSession(info.fast) as board:
        assert board.remove("/rom") == 1


def test_a_board_whose_boot_has_no_end_is_reached(
    shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = shared_boards.make(name="endless")
    with BoardSession(info.fast) as board:
        board.put("/boot.py", b"import time\nwhile True:\n    time.sleep(0.1)\n")
        board.hard_reset()
    monkeypatch.setattr(session_module, "BOOT_S", 1.0)
    with BoardSession(info.fast) as board:
        assert board.remove("/boot.py") == 1


def test_a_board_that_boots_is_waited_for(shared_boards: VirtualBoards) -> None:
    info = running(shared_boards, "booting", ASYNCIO_MAIN)
    for _boot in range(5):
        shared_boards.client.press_reset("booting")
        with BoardSession(info.fast, resume=False) as board:
            assert board.hash("/main.py") == hashlib.sha256(ASYNCIO_MAIN).hexdigest()


def test_a_board_that_sleeps_is_caught_when_it_wakes(shared_boards: VirtualBoards) -> None:
    info = make_stock(shared_boards, "sleepy", files={"main.py": SLEEPY_MAIN})
    shared_boards.client.wait_for("sleepy", "asleep", 10.0)
    with BoardSession(info.fast, wait_s=8.0, connect_s=1.0, resume=False) as board:
        assert board.hash("/main.py")


def failure(url: str, connect_s: float = 1.2) -> CmaError:
    with pytest.raises(CmaError) as caught, BoardSession(url, connect_s=connect_s):
        pass
    return caught.value


def test_a_board_that_only_sleeps_is_told_apart(shared_boards: VirtualBoards) -> None:
    main = SLEEPY_MAIN.replace(b"3000", b"600_000")
    info = make_stock(shared_boards, "hibernating", files={"main.py": main})
    shared_boards.client.wait_for("hibernating", "asleep", 10.0)
    error = failure(info.fast)
    assert error.code == ExitCode.NO_DEVICE
    assert "silent" in error.message and "--wait 60" in error.message


def test_a_waiting_rom_loader_is_told_apart(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="loader")
    shared_boards.client.enter_download("loader")
    error = failure(info.fast)
    assert error.code == ExitCode.NO_DEVICE
    assert "ROM loader waits" in error.message


def test_a_blank_board_is_told_apart(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="blank", flashed=False)
    error = failure(info.fast)
    assert error.code == ExitCode.REFUSED
    assert "blank" in error.message and "cma flash" in error.message


def test_a_second_session_is_told_who_has_the_board(prompt: BoardInfo) -> None:
    with BoardSession(prompt.fast):
        error = failure(prompt.fast)
    assert error.code == ExitCode.NO_DEVICE
    assert f"(pid {os.getpid()})" in error.message


def test_files_go_both_ways_and_equal_ones_are_skipped(prompt: BoardInfo) -> None:
    with BoardSession(prompt.fast) as board:
        board.mkdir("/a/b")
        assert board.put("/a/b/it's.bin", BYTES)
        assert not board.put("/a/b/it's.bin", BYTES)
        assert board.put("/a/b/it's.bin", BYTES + b"!")
        assert board.get("/a/b/it's.bin") == BYTES + b"!"
        (entry,) = board.list("/a/b")
        assert (entry.name, entry.is_folder, entry.size_bytes) == ("it's.bin", False, 5121)
        assert board.hashes(["/a", "/none"]) == {"/a": None, "/none": None}
        assert board.remove("/a") == 3
        assert board.remove("/a") == 0
        assert board.list("/a") == []


def test_a_file_that_is_not_there_is_a_usage_error(prompt: BoardInfo) -> None:
    with BoardSession(prompt.fast) as board, pytest.raises(CmaError) as caught:
        board.get("/none.txt")
    assert caught.value.code == ExitCode.USAGE
    assert "/none.txt" in caught.value.message


def use_script(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    real = session_module._script
    monkeypatch.setattr(
        session_module, "_script", lambda name: real(name) if name == "frame" else source
    )


def test_stray_prints_stay_outside_the_reply(
    prompt: BoardInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_script(monkeypatch, "def run(a):\n print('stray', a)\n return {'twice': a['n'] * 2}")
    heard: list[bytes] = []
    with BoardSession(prompt.fast) as board:
        assert board.run_script("any", n=21, on_output=heard.append) == {"twice": 42}
    assert b"".join(heard).startswith(b"stray")


def test_a_script_that_raises_tells_its_last_line(
    prompt: BoardInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardSession(prompt.fast) as board:
        with monkeypatch.context() as patch, pytest.raises(ScriptError) as caught:
            use_script(patch, "def run(a):\n raise ValueError('wet')")
            board.run_script("any")
        assert board.list("/none") == []
    assert "ValueError: wet" in caught.value.message
    assert "line 2" in caught.value.traceback


def test_an_answer_that_is_damaged_is_one_sentence(
    prompt: BoardInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardSession(prompt.fast) as board:
        with monkeypatch.context() as patch, pytest.raises(CmaError) as caught:
            use_script(patch, "def run(a):\n print('\\x02cma {\"n\": 4\\x03')")
            board.run_script("any")
        assert board.list("/none") == []
    assert caught.value.code == ExitCode.VERIFY_FAILED
    assert "Check its cable" in caught.value.message


def test_a_script_without_end_is_ended_and_the_session_goes_on(
    prompt: BoardInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardSession(prompt.fast) as board:
        with monkeypatch.context() as patch, pytest.raises(CmaError) as caught:
            use_script(patch, "def run(a):\n while True: pass")
            board.run_script("any", timeout_s=0.5)
        assert board.hash("/none") is None
    assert caught.value.code == ExitCode.TIMEOUT
    assert "--timeout" in caught.value.message


def test_a_soft_reset_clears_names_and_runs_main_only_if_asked(
    shared_boards: VirtualBoards,
) -> None:
    info = running(shared_boards, "resets", ASYNCIO_MAIN)
    with BoardSession(info.fast) as board:
        board.soft_reset(run_main=False)
        assert board.hash("/none") is None
        assert starts(shared_boards, "resets") == 1
        board.soft_reset()
        assert heard(lambda: board.console(0.5), b"main starts")
    assert starts(shared_boards, "resets") == 2


def test_a_hard_reset_boots_the_board(shared_boards: VirtualBoards, prompt: BoardInfo) -> None:
    before = shared_boards.client.info(prompt.name).boot_count
    with BoardSession(prompt.fast) as board:
        board.hard_reset()
    wait_until(lambda: shared_boards.client.info(prompt.name).boot_count == before + 1)


def test_a_board_unplugged_in_mid_session_went_away(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="unplugged")
    with pytest.raises(CmaError) as caught, BoardSession(info.fast) as board:
        shared_boards.client.stop("unplugged")
        board.list("/")
    assert caught.value.code == ExitCode.NO_DEVICE
    assert "went away" in caught.value.message
