"""`cma provision --station` as typed, on blank virtual boards, stopped and started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.provision.procedure import Procedure
from support.virtual import VirtualBoards

STATION = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "provision", "--station"]
END_S = 90


class Line:
    """A project whose station is typed."""

    def __init__(self, folder: Path, boards: VirtualBoards, inventory: str) -> None:
        create_project(folder)
        self.folder = folder
        self.boards = boards
        (folder / "inventory.csv").write_text(inventory)

    def start(self, *flags: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*STATION, *flags],
            cwd=self.folder,
            env={
                **os.environ,
                "CMA_VIRTUAL_HOME": str(self.boards.home),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def type(self, *flags: str) -> str:
        """Run to the end, which must come by itself."""
        process = self.start(*flags)
        out, err = process.communicate(timeout=END_S)
        assert process.returncode == 0, out + err
        return out

    def type_until(self, words: str) -> str:
        """Run until a line holds these words, then press Ctrl-C."""
        process = self.start()
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                break
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=END_S)
        assert process.returncode == 130, said + rest + err
        return said + rest

    def names(self) -> dict[str, tuple[str, str]]:
        """Return each board's name and claim, by MAC."""
        with Database(self.folder / ".cma" / "fleet.db") as database:
            return {board.mac: (board.name, board.claim) for board in database.boards()}


@pytest.fixture
def boards(virtual_boards: VirtualBoards) -> VirtualBoards:
    """A C3 and an ESP32, blank."""
    virtual_boards.make("esp32-c3-devkitm-1", flashed=False, name="b1")
    virtual_boards.make("esp32-devkitc", flashed=False, name="b2")
    return virtual_boards


def test_a_line_ends_when_every_row_has_its_board(tmp_path: Path, boards: VirtualBoards) -> None:
    inventory = "name,board\ngh-1,esp32-devkitc\ngh-2,\n"
    line = Line(tmp_path / "gh", boards, inventory)
    said = line.type()
    passed = [text for text in said.splitlines() if " PASS " in text]
    assert len(passed) == 2 and passed[1].startswith("[2/2]")
    assert any("gh-1 esp32 PASS" in text for text in passed)
    assert any("gh-2 esp32c3 PASS" in text for text in passed)
    for name in ("gh-1", "gh-2"):
        assert f">{name}</text>" in (line.folder / "labels" / f"{name}.svg").read_text()
    assert sorted(line.names().values()) == [("gh-1", "done"), ("gh-2", "done")]
    assert "all 2 boards of the inventory are done" in line.type()


def test_a_label_that_cannot_be_saved_stops_no_line(
    tmp_path: Path, virtual_boards: VirtualBoards
) -> None:
    virtual_boards.make("esp32-devkitc", flashed=False, name="b1")
    line = Line(tmp_path / "gh", virtual_boards, "name\ngh-1\n")
    (line.folder / "labels").write_text("in the way of a folder")
    said = line.type()
    assert "gh-1.svg was not saved" in said and " s; NO LABEL; that was the last" in said


def test_a_kind_that_the_project_lacks_is_refused(tmp_path: Path) -> None:
    create_project(tmp_path / "gh")
    project = load_project(tmp_path / "gh")
    with Database(tmp_path / "fleet.db") as database:
        procedure = Procedure(project, database, AgentImages(tmp_path))
        assert procedure.self_test_job(Port("u0"), "esp32-devkitc", 0).request["pins"]
        with pytest.raises(CmaError, match=r"is a their-own.*put its file into .*boards"):
            procedure.self_test_job(Port("u0"), "their-own", 0)


def test_a_stopped_line_goes_on_where_it_was(tmp_path: Path, boards: VirtualBoards) -> None:
    line = Line(tmp_path / "gh", boards, "name\ngh-1\ngh-2\ngh-3\n")
    line.type_until("[2/3]")
    before = line.names()
    assert sorted(before.values()) == [("gh-1", "done"), ("gh-2", "done")]
    boards.make("esp32-s3-devkitc-1", flashed=False, name="b3")
    said = line.type()
    assert "1 board to do" in said and "[3/3] gh-3 esp32s3 PASS" in said
    assert {mac: line.names()[mac] for mac in before} == before


def test_a_half_done_row_goes_to_the_board_it_was_begun_with(
    tmp_path: Path, boards: VirtualBoards
) -> None:
    line = Line(tmp_path / "gh", boards, "name\ngh-1\ngh-2\n")
    mac = boards.client.info("b2").mac
    with Database(line.folder / ".cma" / "fleet.db") as database:
        database.claim(mac, "gh-1")
    said = line.type()
    assert f"gh-1 is half done: plug {mac} in again" in said
    assert line.names()[mac] == ("gh-1", "done")


def test_a_row_with_a_mac_waits_for_that_board(tmp_path: Path, boards: VirtualBoards) -> None:
    mac = boards.client.info("b2").mac
    line = Line(tmp_path / "gh", boards, f"name,mac\ngh-1,{mac}\n")
    said = line.type()
    assert "[1/1] gh-1 esp32 PASS" in said
    assert line.names()[mac] == ("gh-1", "done")


def test_a_board_that_fails_its_self_test_gets_no_name(
    tmp_path: Path, virtual_boards: VirtualBoards
) -> None:
    virtual_boards.make("xiao-esp32c3", flashed=False, name="b1")
    virtual_boards.client.set_battery("b1", 900)
    line = Line(tmp_path / "gh", virtual_boards, "name,board\ngh-1,xiao-esp32c3\n")
    said = line.type_until("FAIL")
    assert "[0/1]" in said and "self-test: battery (9" in said
    assert [name for name, _claim in line.names().values()] == [""]
    assert not (line.folder / "labels").exists()
    virtual_boards.client.set_battery("b1", 3900)
    assert "[1/1] gh-1 esp32c3 PASS" in line.type()
