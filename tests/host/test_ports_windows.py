"""Every command imports and shows its help where termios, fcntl and pty are absent (Windows)."""

import subprocess
import sys

import pytest

from cma_toolkit.host_tools.cli.main import COMMANDS

ABSENT = ("termios", "fcntl", "pty", "tty", "resource", "grp", "pwd", "_posixshmem")
PROGRAM = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
for name in {ABSENT!r}:
    sys.modules.pop(name, None)
from cma_toolkit.host_tools.cli.main import main
for name in sys.argv[1:]:
    try:
        main([name, "--help"])
    except SystemExit as end:
        print(f"== {{name}} {{end.code}}")
        assert not end.code
"""
HEAVY = ("esptool", "mpremote", "rich", "littlefs", "serial", "sqlite3", "asyncio.unix_events")


def run(*commands: str, tail: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + tail, *commands],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_shows_its_help() -> None:
    shown = run(*COMMANDS)
    ends = [line for line in shown.splitlines() if line.startswith("== ")]
    assert ends == [f"== {name} 0" for name in COMMANDS]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("demo", "virtual")])
def test_every_help_shows_how_the_command_is_typed(name: str) -> None:
    shown = run(name)
    assert "Examples:" in shown
    assert f"  cma {name}" in shown.partition("Examples:")[2]


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    tail = f"\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert run(tail="\ntry: main(['--help'])\nexcept SystemExit: pass" + tail).endswith("[]\n")
