"""`cma repl`: mpremote's prompt on every kind of port."""

from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.stock_board import cma
from support.terminal import Terminal
from support.virtual import VirtualBoards


@pytest.mark.parametrize("endpoint", ["fast", "pty", "url"])
def test_a_prompt_answers_and_ctrl_x_leaves(
    shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))
    info = shared_boards.make(name=f"prompt-{endpoint}")
    url = getattr(info, endpoint)
    with Terminal("cma_toolkit.host_tools.cli.main", "repl", "-p", url) as terminal:
        terminal.expect("Ctrl-x to exit")
        terminal.press("\r\n")
        terminal.expect(">>> ")
        terminal.press("print(6 * 7)\r\n")
        terminal.expect("42")
        terminal.press("\x18")
        assert terminal.wait() == 0


def test_a_script_is_sent_to_mpremote(tmp_path: Path) -> None:
    done = cma("repl", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "mpremote" in done.stderr
