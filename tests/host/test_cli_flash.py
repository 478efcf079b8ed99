"""`cma flash` as typed, on virtual boards: what it does, what it refuses, what it survives."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from cma_toolkit.boards.load import OUR_FOLDER, load_board
from cma_toolkit.host_tools.flash.table_state import Table, judge
from cma_toolkit.host_tools.image import littlefs, partition_table
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.mirror import serve_mirror
from support.stock_board import OLD_FILES, cma, large_micropython, make_stock, start_cma
from support.virtual import VirtualBoards

CHIPS = {
    "one": "esp32-devkitc",
    "two": "esp32-s3-devkitc-1",
    "three": "esp32-c3-devkitm-1",
    "four": "esp32-c6-devkitc-1",
}


def flash_of(info: BoardInfo) -> bytes:
    return Path(info.image).read_bytes()


def table_of(info: BoardInfo) -> Table:
    ours = partition_table.to_bytes(load_board(info.board_id).partitions)
    return judge(flash_of(info)[0x8000:0x9000], ours).table


def boards_in(output: str) -> dict[str, dict[str, object]]:
    summary = json.loads(output.splitlines()[-1])
    return {entry["board"]: entry for entry in summary["boards"]}


def test_four_chips_at_once_and_again(virtual_boards: VirtualBoards, tmp_path: Path) -> None:
    for name, board_id in CHIPS.items():
        virtual_boards.make(board_id, flashed=False, name=name)
    done = cma("flash", "--all", "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    first = boards_in(done.stdout)
    assert {entry["value"]["boot"] for entry in first.values()} == {"agent runs"}  # type: ignore[index]
    assert {name: entry["value"]["board"] for name, entry in first.items()} == CHIPS  # type: ignore[index]
    again = cma("flash", "--all", "-o", "json", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert all(e["value"]["written_bytes"] == 0 for e in boards_in(again.stdout).values())  # type: ignore[index]


def test_a_dry_run_writes_nothing_and_says_how_much_it_would(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    before = flash_of(board)
    done = cma("flash", "-p", board.fast, "--dry-run", "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = boards_in(done.stdout).values()
    assert entry["value"]["would_write_bytes"] > 50_000  # type: ignore[index]
    assert flash_of(board) == before


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project whose board file names a map that is too large for its chip's flash."""
    (tmp_path / "fleet.toml").write_text('name = "test"\nnetwork = 1\n')
    # The password of this Wi-Fi is in no secrets.toml yet: flashing needs none.
    (tmp_path / "inventory.csv").write_text("name,board,mac,wifi\nbox,,,barn\n")
    (tmp_path / "boards").mkdir()
    text = (OUR_FOLDER / "esp32-devkitc.toml").read_text()
    text = text.replace("flash_size_bytes = 0x400000", "flash_size_bytes = 0x800000")
    text = text.replace("size_bytes = 0x160000", "size_bytes = 0x560000")
    (tmp_path / "boards" / "large.toml").write_text(text)
    images = {"wrong.bin": make_micropython("esp32c3"), "good.bin": make_micropython("esp32")}
    images["short.bin"] = images["good.bin"][:-500]
    images["old.bin"] = make_micropython("esp32", version="1.20.0")
    for name, data in images.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--board", "esp32-c3-devkitm-1"], 4, "Wrong chip: esp32-c3-devkitm-1"),
        (["--board", "large"], 4, "smaller than the map: large needs 8 MiB"),
        (["--board", "esp32-devkit"], 2, "esp32-devkitc"),
        (["--micropython", "wrong.bin"], 4, "another chip"),
        (["--micropython", "short.bin"], 4, "truncated"),
        (["--micropython", "old.bin"], 4, "1.20.0 is too old"),
        (["--micropython", "absent.bin"], 2, "No such file"),
        (["--micropython", "1.20.0"], 4, "too old"),
        (["--micropython", "9.9"], 2, "no MicroPython 9.9"),
        (["--micropython", "latest"], 2, "is no MicroPython version"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_written(
    project: Path, shared_boards: VirtualBoards, words: list[str], code: int, says: str
) -> None:
    board = blank_board(shared_boards)
    before = flash_of(board)
    done = cma("flash", "-p", board.fast, *words, folder=project, home=shared_boards.home)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert flash_of(board) == before


def blank_board(boards: VirtualBoards) -> BoardInfo:
    known = [info for info in boards.client.list() if info.name == "blank"]
    return known[0] if known else boards.make(flashed=False, name="blank")


def test_a_users_files_cost_a_yes(virtual_boards: VirtualBoards, tmp_path: Path) -> None:
    board = make_stock(virtual_boards, "mine")
    before = flash_of(board)
    done = cma("flash", "-p", board.fast, folder=tmp_path)
    assert done.returncode == 8
    assert "4 files of yours" in done.stderr
    assert flash_of(board) == before
    done = cma("flash", "-p", board.fast, "--yes", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert table_of(board) is Table.OURS


def test_stock_micropython_without_files_needs_no_yes(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    stock = {"boot.py": OLD_FILES["boot.py"]}
    board = make_stock(virtual_boards, "fresh", files=stock)
    done = cma("flash", "-p", board.fast, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_board_that_loses_power_in_mid_write_is_completed_by_the_next_run(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    virtual_boards.client.cut_power(board.name, after_flash_writes=12, torn_bytes=100)
    done = cma("flash", "-p", board.fast, folder=tmp_path)
    assert done.returncode == 3, done.stderr + done.stdout
    assert "goes on where it stopped" in done.stderr
    assert table_of(board) is Table.UNFINISHED
    virtual_boards.client.restore_power(board.name)
    completes(board, tmp_path)


def test_a_board_unplugged_in_mid_flash_is_completed_by_the_next_run(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    with flashing_large(board, tmp_path) as running:
        await_mid_write(running)
        virtual_boards.client.stop(board.name)
        assert running.wait(60) == 3
    assert table_of(board) is Table.UNFINISHED
    virtual_boards.client.start(board.name)
    completes(board, tmp_path, "--micropython", "large.bin", at_least_equal=100_000)


def test_ctrl_c_leaves_nothing_that_is_called_done(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    with flashing_large(board, tmp_path) as running:
        await_mid_write(running)
        running.send_signal(signal.SIGINT)
        assert running.stdout
        assert "summary" not in running.stdout.read()
        assert running.wait(60) == 130
    assert table_of(board) is Table.UNFINISHED
    completes(board, tmp_path, "--micropython", "large.bin", at_least_equal=100_000)


def flashing_large(board: BoardInfo, folder: Path) -> subprocess.Popen[str]:
    (folder / "large.bin").write_bytes(large_micropython(board.chip))
    words = ["-p", board.fast, "--micropython", "large.bin", "-o", "json"]
    return start_cma("flash", *words, folder=folder)


def await_mid_write(running: subprocess.Popen[str]) -> None:
    """Return as soon as the first piece of MicroPython is in flash, with many to come."""
    assert running.stdout
    step = ""
    for line in running.stdout:
        event = json.loads(line)
        step = event.get("name", step)
        if event["event"] == "progress" and step == "write MicroPython":
            return
    raise AssertionError(step)


def completes(board: BoardInfo, folder: Path, *words: str, at_least_equal: int = 1) -> None:
    done = cma("flash", "-p", board.fast, *words, "-o", "json", folder=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    (entry,) = boards_in(done.stdout).values()
    assert entry["value"]["boot"] == "agent runs"  # type: ignore[index]
    assert entry["value"]["equal_bytes"] >= at_least_equal  # type: ignore[index]
    assert table_of(board) is Table.OURS


def test_some_failed_is_exit_code_6_and_the_others_are_done(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    good = virtual_boards.make(flashed=False, name="good")
    owned = make_stock(virtual_boards, "owned")
    done = cma("flash", "-p", good.fast, "-p", owned.fast, folder=tmp_path)
    assert done.returncode == 6, done.stderr
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:]}
    assert rows == {"good": "PASS", "owned": "FAIL"}
    assert table_of(good) is Table.OURS


def test_reflashing_writes_what_differs_and_keeps_the_users_files(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    assert cma("flash", "-p", board.fast, folder=tmp_path).returncode == 0
    virtual_boards.client.stop(board.name)
    spoil_kernel(board)
    user = load_board(board.board_id).partition("user")
    write_at(board, user.offset, littlefs.build({"mine.txt": b"mine"}, user.size_bytes))
    virtual_boards.client.start(board.name)
    done = cma("flash", "-p", board.fast, "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = boards_in(done.stdout).values()
    assert 0 < entry["value"]["written_bytes"] <= 128 * 1024  # type: ignore[index]
    assert littlefs.read(flash_of(board)[user.offset : user.end])["mine.txt"] == b"mine"
    done = cma("flash", "-p", board.fast, "--erase", folder=tmp_path)
    assert (done.returncode, "1 file of yours (mine.txt)" in done.stderr) == (8, True)


def test_files_in_the_root_cost_a_yes_too(virtual_boards: VirtualBoards, tmp_path: Path) -> None:
    board = virtual_boards.make(flashed=False)
    assert cma("flash", "-p", board.fast, folder=tmp_path).returncode == 0
    virtual_boards.client.stop(board.name)
    root = load_board(board.board_id).partition("vfs")
    files = littlefs.read(flash_of(board)[root.offset : root.end])
    write_at(board, root.offset, littlefs.build({**files, "x.py": b"1"}, root.size_bytes))
    virtual_boards.client.start(board.name)
    done = cma("flash", "-p", board.fast, folder=tmp_path)
    assert (done.returncode, "1 file of yours (x.py)" in done.stderr) == (8, True)
    assert cma("flash", "-p", board.fast, "--yes", folder=tmp_path).returncode == 0


def spoil_kernel(board: BoardInfo) -> None:
    romfs = load_board(board.board_id).partition("romfs")
    write_at(board, romfs.offset + 5000, b"\0" * 16)


def write_at(board: BoardInfo, offset: int, data: bytes) -> None:
    with Path(board.image).open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_flashing_over_rfc2217_works_like_over_a_cable(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make(flashed=False)
    image = tmp_path / "esp32.bin"
    image.write_bytes(make_micropython("esp32"))
    words = ["-p", board.url, "--micropython", str(image), "-o", "json"]
    # In another home nobody knows that this URL has a faster path.
    done = cma("flash", *words, folder=tmp_path, home=tmp_path / "nothing-here")
    assert done.returncode == 0, done.stderr
    (entry,) = boards_in(done.stdout).values()
    assert entry["port"] == board.url
    assert entry["value"]["boot"] == "agent runs"  # type: ignore[index]
    assert table_of(board) is Table.OURS


def test_erase_leaves_a_board_as_new(virtual_boards: VirtualBoards, tmp_path: Path) -> None:
    board = virtual_boards.make(flashed=False)
    assert cma("flash", "-p", board.fast, folder=tmp_path).returncode == 0
    state = load_board(board.board_id).partition("state")
    virtual_boards.client.stop(board.name)
    write_at(board, state.offset + 100, b"of another day")
    virtual_boards.client.start(board.name)
    done = cma("flash", "-p", board.fast, "--erase", "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    # The agent has counted this boot already.
    assert b"of another day" not in flash_of(board)[state.offset : state.end]
    assert table_of(board) is Table.OURS


def test_a_release_that_cannot_be_fetched_fails_its_board_and_not_the_others(
    virtual_boards: VirtualBoards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMA_MIRROR", "http://127.0.0.1:9")
    here = tmp_path / "ESP32_GENERIC_C3-20991231-v1.99.0.bin"
    here.write_bytes(make_micropython("esp32c3", version="1.99.0"))
    assert cma("micropython", "add", here.name, folder=tmp_path).returncode == 0
    lacking = virtual_boards.make(flashed=False, name="lacking")
    held = virtual_boards.make("esp32-c3-devkitm-1", flashed=False, name="held")
    words = ["-p", lacking.url, "-p", held.url, "--dry-run", "-o", "json"]
    done = cma("flash", *words, folder=tmp_path, home=tmp_path / "nothing-here")
    assert done.returncode == 6, done.stderr
    boards = boards_in(done.stdout).values()
    assert {entry["port"]: entry["code"] for entry in boards} == {lacking.url: 3, held.url: 0}


def test_a_real_port_gets_its_release_fetched_first(
    project: Path, virtual_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (OUR_FOLDER / "esp32-devkitc.toml").read_text()
    before, _, rest = text.partition("[micropython.releases")
    unpinned = f"{before}[usb]{rest.partition('[usb]')[2]}"
    (project / "boards" / "mine.toml").write_text(unpinned)
    board = virtual_boards.make(flashed=False)
    blank = flash_of(board)
    words = ["flash", "-p", board.url, "--board", "mine", "--dry-run", "-o", "json"]
    stranger = project / "nothing-here"  # knows of no virtual board at this URL
    monkeypatch.setenv("CMA_MIRROR", "http://127.0.0.1:9")
    done = cma(*words, folder=project, home=stranger)
    assert (done.returncode, "cma micropython add FILE" in done.stdout) == (3, True)
    assert flash_of(board) == blank
    with serve_mirror() as mirror:
        file = "ESP32_GENERIC-20991231-v1.99.0.bin"
        mirror.files[file] = make_micropython("esp32", version="1.99.0")
        mirror.pages["/download/ESP32_GENERIC/"] = f'href="/resources/firmware/{file}"'
        monkeypatch.setenv("CMA_MIRROR", mirror.url)
        done = cma(*words, folder=project, home=stranger)
    assert done.returncode == 0, done.stderr
    (entry,) = boards_in(done.stdout).values()
    assert entry["value"]["micropython"] == "1.99.0"  # type: ignore[index]
    assert all(json.loads(line) for line in done.stdout.splitlines())
