"""Boards behind USB bridges may have changed places: who is there is asked first."""

from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli import meant, repl, run
from cma_toolkit.host_tools.cli.common import BoardOptions
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.facts import Facts
from cma_toolkit.host_tools.ports.select import Selector
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.project import write_app
from support.stock_board import make_stock
from support.tools import mpremote
from support.virtual import VirtualBoards

MAC, OTHER_MAC = "a4:cf:12:00:00:98", "a4:cf:12:00:00:99"
HANDLERS = "cma_toolkit.sim.virtual_board.handlers"


def options_for(*devices: str) -> BoardOptions:
    return BoardOptions(Selector(devices=devices), "table", False, False, 15.0, 0.0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a project whose greenhouse-07 was last seen at /dev/ttyUSB0."""
    (tmp_path / "fleet.toml").write_text('name = "greenhouse"\n')
    with Database(tmp_path / ".cma" / "fleet.db") as database:
        database.saw(OTHER_MAC, port="/dev/ttyUSB0")
        database.claim(OTHER_MAC, "greenhouse-07")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_only_a_port_that_tells_no_mac_is_doubted() -> None:
    here = options_for("greenhouse-07", "greenhouse-08")
    assert meant.to_ask(here, Port("/dev/ttyUSB0")) == ["greenhouse-07"]
    assert meant.to_ask(here, Port("/dev/ttyUSB0", mac=OTHER_MAC)) == []
    assert meant.to_ask(here, Port("/dev/ttyUSB1")) == []  # it was named by its port
    assert meant.to_ask(options_for(), Port("/dev/ttyUSB0")) == []


@pytest.mark.usefixtures("project")
def test_a_board_is_known_by_its_name_its_mac_or_its_line_in_the_fleet() -> None:
    changed = Facts(mac=MAC, name="greenhouse-08")
    with pytest.raises(CmaError, match="is greenhouse-08 now, not greenhouse-07") as caught:
        meant.check_it_is(["greenhouse-07"], "/dev/ttyUSB0", changed)
    assert caught.value.code is ExitCode.NO_DEVICE
    for named in ([], ["Greenhouse-08"], [f"id:{MAC}"], ["greenhouse-07", "greenhouse-08"]):
        meant.check_it_is(named, "/dev/ttyUSB0", changed)
    meant.check_it_is(["greenhouse-07"], "/dev/ttyUSB0", Facts(mac=OTHER_MAC))


def test_nothing_is_done_to_a_board_in_anothers_place(
    shared_boards: VirtualBoards, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))
    monkeypatch.setenv("CMA_PORT_HANDLERS", HANDLERS)
    info = make_stock(shared_boards, "swapped", files={"main.py": b"print('main starts')\n"})
    with Database(project / ".cma" / "fleet.db") as database:
        database.saw(OTHER_MAC, port=info.pty)
    write_app(project, 1)
    port = Port(info.pty)
    for via in ("mpremote", "ampy"):
        begun = run._Run(port, project / "app.py", options_for("greenhouse-07"), via)
        with pytest.raises(CmaError, match=f"is {info.mac} now, not greenhouse-07"), begun:
            pytest.fail("the board in greenhouse-07's place was taken for it")
    monkeypatch.setattr(repl, "chosen_port", lambda _options: port)
    monkeypatch.setattr(repl.sys, "stdin", type("Terminal", (), {"isatty": lambda _self: True})())
    with pytest.raises(CmaError, match="not greenhouse-07"):
        repl.command.main(["-d", "greenhouse-07"], standalone_mode=False)
    assert "app.py" not in mpremote(info.pty, "resume", "fs", "ls", ":/")
