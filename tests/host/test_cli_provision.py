"""`cma provision` as typed, on virtual boards: idempotent, proven by read-back, and discreet."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli import provision
from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.cli.common import HANDLERS, BoardOptions
from cma_toolkit.host_tools.errors import ExitCode, refused
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.select import Selector
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.provision.procedure import Decision, Procedure
from support.virtual import VirtualBoards

PASSWORD = "correct horse battery"
CHIPS = {"one": "esp32-c3-devkitm-1", "two": "esp32-devkitc"}
FLEET = """
name = "greenhouse"
network = 7
[clusters.north]
wifi = ["shed"]
[settings.sample_ms]
type = "int"
default = 60000
"""


@dataclass
class Typed:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def events(self, kind: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.out.splitlines()]
        return [line for line in lines if line["event"] == kind]


class Bench:
    """A project and some boards."""

    def __init__(self, folder: Path, boards: VirtualBoards) -> None:
        self.folder = folder
        self.boards = boards
        self.said = ""

    def type(self, *words: str, code: int | None = 0) -> Typed:
        command = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "CMA_VIRTUAL_HOME": str(self.boards.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        typed = Typed(done.returncode, done.stdout, done.stderr)
        self.said += typed.out + typed.err
        assert code is None or typed.code == code, typed.out + typed.err
        return typed

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def make_tiny(self) -> None:
        self.write("app.py", "def setup(agent):\n    pass\n")
        shutil.rmtree(self.folder / "drivers")

    def database(self) -> Database:
        return Database(self.folder / ".cma" / "fleet.db")


@pytest.fixture
def bench(
    tmp_path: Path, virtual_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Two flashed boards and a project with a line for each."""
    monkeypatch.setenv("CMA_PORT_HANDLERS", HANDLERS)  # for sessions of our own
    create_project(tmp_path / "greenhouse")
    bench = Bench(tmp_path / "greenhouse", virtual_boards)
    bench.write("fleet.toml", FLEET)
    bench.write(
        "inventory.csv",
        "name,board,labels,cluster\n"
        "box-1,esp32-devkitc,roof,north\n"
        "box-2,esp32-c3-devkitm-1,,north\n",
    )
    bench.write("secrets.toml", f'[wifi]\nshed = "{PASSWORD}"\n')
    for name, board in CHIPS.items():
        virtual_boards.make(board, flashed=False, name=name)
    bench.type("flash", "--all")
    yield bench
    assert PASSWORD not in bench.said
    assert_not_in_any_file(PASSWORD, bench.folder)


def assert_not_in_any_file(secret: str, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "secrets.toml":
            assert secret.encode() not in path.read_bytes(), path


def nvs(name: str) -> dict[str, str]:
    """Read what a board holds, through a session of our own."""
    keys = ["name", "fleet", "cluster", "wifi_ssid", "wifi_password", "board"]
    with BoardSession(f"virtual://{name}") as session:
        reply = session.run_script(
            "provision", do="read", salt="00", keys=keys, secrets=[], shadows=[]
        )
    values = reply["values"]
    return {key: bytes.fromhex(values[key]).decode() for key in keys if key in values}


def on_board(name: str, path: str) -> bytes:
    """Read a file of a board that may be starting just now."""
    with BoardSession(f"virtual://{name}") as session:
        if not session.run_script("provision", do="is_ready"):
            session.soft_reset(run_main=False)
        return session.get(path)


def test_a_board_that_still_looks_at_its_slots_is_provisioned(bench: Bench) -> None:
    bench.type("release", "init")
    bench.type("flash", "--all", "--yes")
    bench.type("provision", "--all", "--assign")
    assert nvs("one")["name"] == "box-2"


def test_all_boards_get_their_rows_and_a_second_run_changes_nothing(bench: Bench) -> None:
    dry = bench.type("provision", "--all", "--dry-run", "-o", "json")
    assert {plan["name"] for plan in dry.events("plan")} == {"box-1", "box-2"}
    assert "--assign" in str(dry.events("plan")[0]["notes"])
    assert json.loads(dry.out.splitlines()[-1])["exit_code"] == 0
    with bench.database() as database:
        assert [board.name for board in database.boards()] == ["", ""]

    unknown = bench.type("provision", "--all", code=4)
    assert "--assign" in unknown.err

    bench.type("provision", "--all", "--assign")
    assert nvs("one") == {
        "name": "box-2",
        "fleet": "greenhouse",
        "cluster": "north",
        "wifi_ssid": "shed",
        "wifi_password": PASSWORD,
        "board": "esp32-c3-devkitm-1",
    }
    assert nvs("two")["name"] == "box-1"
    again = bench.type("provision", "--all", "-o", "json")
    (summary,) = again.events("summary")
    values = [board["value"] for board in summary["boards"]]  # type: ignore[union-attr, attr-defined]
    assert [value["change_count"] for value in values] == [0, 0]
    assert "nothing to change" in bench.type("provision", "--all").out
    with bench.database() as database:
        assert [(board.name, board.claim) for board in database.boards()] == [
            ("box-1", "done"),
            ("box-2", "done"),
        ]
        assert [result.code for result in database.history()] == [0, 0, 0, 0, 0, 0, 4, 4, 0, 0]


def test_a_change_is_shown_written_and_counted(bench: Bench) -> None:
    bench.type("provision", "--all", "--assign")
    inventory = (bench.folder / "inventory.csv").read_text()
    bench.write("inventory.csv", inventory.replace("roof", "attic"))
    bench.write("secrets.toml", '[wifi]\nshed = "another password"\n')
    dry = bench.type("provision", "-d", "box-1", "--dry-run")
    assert "labels: roof -> attic" in dry.out and "wifi_password: *** -> ***" in dry.out
    assert nvs("two")["wifi_password"] == PASSWORD
    with bench.database() as database:  # this board had seven revisions, then lost its last
        (box,) = database.find("box-1")
        database.finish(box.mac, board=box.board, cluster="north", labels=("roof",), revision=7)
    bench.type("provision", "-d", "box-1")
    assert nvs("two")["wifi_password"] == "another password"
    with bench.database() as database:
        assert [board.revision for board in database.boards()] == [8, 1]


def test_a_board_of_another_name_or_fleet_is_taken_over_only_with_yes(bench: Bench) -> None:
    bench.type("provision", "--all", "--assign")
    bench.write("fleet.toml", FLEET.replace('"greenhouse"', '"orchard"'))
    stopped = bench.type("provision", "-p", "virtual://one", code=8)
    assert '"box-2" of fleet "greenhouse"' in stopped.err and "--yes" in stopped.err
    assert nvs("one")["fleet"] == "greenhouse"
    bench.type("provision", "-p", "virtual://one", "--yes")
    assert nvs("one")["fleet"] == "orchard"


def test_the_others_are_done_when_some_fail(bench: Bench) -> None:
    bench.write("inventory.csv", "name,board,cluster\nbox-1,esp32-devkitc,north\n")
    some = bench.type("provision", "--all", "--assign", code=6)
    assert [line.split()[1] for line in some.out.splitlines()[1:]] == ["FAIL", "PASS"]
    assert nvs("two")["name"] == "box-1" and nvs("one") == {}


def test_a_script_reads_of_a_dry_run_what_would_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_project(tmp_path / "greenhouse")
    options = BoardOptions(Selector(), "json", True, False, 1.0, 0.0)
    failed = Decision(Port("u0"), error=refused("It is another chip. Plug in the right board."))
    with Database(tmp_path / "fleet.db") as database:
        images = AgentImages(tmp_path)
        procedure = Procedure(load_project(tmp_path / "greenhouse"), database, images)
        code = provision._show([failed], procedure, options, assign=False, yes=False)
    (summary,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (summary["event"], summary["exit_code"], summary["failed"]) == ("summary", code, 1)
    assert summary["boards"][0]["message"].startswith("It is another chip")


def test_the_boards_image_follows_the_application_and_nothing_runs_instead(bench: Bench) -> None:
    bench.type("provision", "-p", "virtual://one", "--assign")
    first = on_board("one", "/rom/image.json")
    bench.write("app.py", "def setup(agent):\n    agent.report('another')\n")
    bench.type("run", "-p", "virtual://one", "--seconds", "1")
    dry = bench.type("provision", "-p", "virtual://one", "--dry-run").out
    assert "application: greenhouse" in dry and "/user/app.py: runs instead" in dry
    assert on_board("one", "/rom/image.json") == first
    bench.type("provision", "-p", "virtual://one")
    assert on_board("one", "/rom/image.json") != first
    assert on_board("one", "/user/app.py.old") == (bench.folder / "app.py").read_bytes()
    with BoardSession("virtual://one") as session:
        assert session.hash("/user/app.py") is None
    assert "nothing to change" in bench.type("provision", "-p", "virtual://one").out


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("fleet.toml", 'name = "g"\nnetwrok = 7\n', ['"netwrok"', '"network"']),
        ("inventory.csv", "name,cluster\na,north\na,north\n", ["line 3", "line 2"]),
        ("secrets.toml", "[wifi]\n", ['"shed" of box-1', "secrets.toml"]),
        ("app.py", "def setup(agent:\n", ["app.py:", "Mend it"]),
    ],
)
def test_what_is_wrong_in_the_project_is_said_before_any_board_is_touched(
    tmp_path: Path, virtual_home: Path, file: str, text: str, words: list[str]
) -> None:
    create_project(tmp_path / "greenhouse")
    bench = Bench(tmp_path / "greenhouse", VirtualBoards(virtual_home))
    bench.write("fleet.toml", FLEET)
    bench.write("inventory.csv", "name,cluster\nbox-1,north\n")
    bench.write("secrets.toml", f'[wifi]\nshed = "{PASSWORD}"\n')
    bench.write(file, text)
    # Had the port been tried, the code would be 3.
    wrong = bench.type("provision", "-p", "/dev/ttyNONE", code=2)
    assert [word for word in words if word not in wrong.err] == [], wrong.err
    assert "Traceback" not in wrong.err


def test_outside_a_project_the_command_says_how_to_start_one(
    tmp_path: Path, virtual_home: Path
) -> None:
    bench = Bench(tmp_path, VirtualBoards(virtual_home))
    assert "cma new NAME" in bench.type("provision", "--all", code=2).err


def test_a_lost_boards_name_is_released(tmp_path: Path, virtual_home: Path) -> None:
    create_project(tmp_path / "greenhouse")
    bench = Bench(tmp_path / "greenhouse", VirtualBoards(virtual_home))
    with bench.database() as database:
        database.claim("a4:cf:12:00:00:01", "greenhouse-01")
    assert "a4:cf:12:00:00:01" in bench.type("provision", "--release", "greenhouse-01").out
    assert "greenhouse-01" in bench.type("provision", "--release", "greenhouse-01", code=2).err


def cut_after(bench: Bench, writes: int) -> int:
    """Provision a board whose power goes that many writes after its keys began; return the code.

    From there on no agent runs in between, which writes when it likes.
    """
    line = ("provision", "-p", "virtual://one", "--assign", "--timeout", "12", "-o", "json")
    with subprocess.Popen(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *line],
        cwd=bench.folder,
        env={**os.environ, "CMA_VIRTUAL_HOME": str(bench.boards.home)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for said in process.stdout:
            bench.said += said
            if json.loads(said).get("name") == "make keys":
                cut = {"after_flash_writes": writes, "torn_bytes": 5}
                bench.boards.client.cut_power("one", **cut)
        return process.wait()


def completes(bench: Bench) -> None:
    """Hold that a board whose power went is not done, and that the next run does all the rest."""
    with bench.database() as database:
        assert sorted(board.claim for board in database.boards()) == ["", "started"]
    bench.boards.client.restore_power("one")
    bench.type("provision", "-p", "virtual://one")
    assert nvs("one")["name"] == "box-2"
    listed = bench.type("enrolment", "list", "-o", "json")
    assert [json.loads(line)["state"] for line in listed.out.splitlines()] == ["done"]


@pytest.mark.parametrize("writes", [1, 9, 20])
def test_a_board_that_loses_power_over_its_keys_completes_next_time(
    bench: Bench, writes: int
) -> None:
    assert cut_after(bench, writes) == ExitCode.TIMEOUT  # its adapter stays: only time can tell
    completes(bench)


def test_a_board_that_loses_power_while_its_image_is_written_completes_next_time(
    bench: Bench,
) -> None:
    bench.make_tiny()  # else the image has been flashed
    bench.boards.client.cut_power("one", after_flash_writes=40, torn_bytes=5)
    cut = bench.type("provision", "-p", "virtual://one", "--assign", code=ExitCode.NO_DEVICE)
    assert "one: write image" in cut.err.splitlines(), cut.err
    completes(bench)
