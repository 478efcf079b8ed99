"""`cma doctor`: each thing that can be wrong has its line, and the line says how to mend it."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli import checks
from cma_toolkit.host_tools.cli.checks import Finding
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.system import System


@pytest.fixture
def computer(tmp_path: Path) -> Path:
    """Lay out a computer with nothing plugged in."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "version").write_text("Linux version 6.1.0\n")
    (tmp_path / "sys/bus/usb/devices").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    yield path
    os.close(master)


def start_program(computer: Path, pid: int, name: str) -> None:
    folder = computer / "proc" / str(pid)
    folder.mkdir()
    (folder / "comm").write_text(name + "\n")


def plug_in(computer: Path, vendor: str, product: str, port: str = "") -> None:
    device = computer / "sys/bus/usb/devices/1-2"
    (device / "1-2:1.0").mkdir(parents=True)
    (device / "idVendor").write_text(vendor + "\n")
    (device / "idProduct").write_text(product + "\n")
    if port:
        (device / "1-2:1.0" / port).mkdir()


def lines(found: Iterator[Finding]) -> list[str]:
    return [str(finding) for finding in found]


def test_a_sound_computer_passes(computer: Path) -> None:
    found = list(checks.findings([], System(computer)))
    assert checks.exit_code(found) == ExitCode.OK
    assert not [finding for finding in found if finding.level == "bad"]
    assert any("charge-only cable" in finding.text for finding in found)


def test_an_old_python_is_refused() -> None:
    (found,) = checks.check_python((3, 10, 4))
    assert (found.level, found.code) == ("bad", ExitCode.REFUSED)
    assert "3.11" in found.text


def test_a_missing_package_is_named_with_its_mend() -> None:
    found = list(checks.check_packages(["pyserial", "esptool-of-tomorrow"]))
    assert str(found[0]).startswith("!! esptool-of-tomorrow is missing. Run: pip install")
    assert found[1].text.startswith("pyserial 3.")


def test_a_micropython_that_cannot_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.RUNTIME_VARIABLE, "/nowhere/micropython")
    (found,) = checks.check_runtime()
    assert found.code == ExitCode.REFUSED
    assert "/nowhere/micropython" in found.text


def test_programs_that_grab_ports_are_hinted_at(computer: Path) -> None:
    start_program(computer, 712, "ModemManager")
    start_program(computer, 713, "bash")
    assert lines(checks.check_grabbers(System(computer))) == [
        "-- ModemManager (pid 712) opens new serial ports on its own. "
        "Run: sudo systemctl disable --now ModemManager"
    ]


def test_a_bridge_without_a_port_is_a_driver_matter(computer: Path) -> None:
    plug_in(computer, "1a86", "7523")
    (found,) = checks.check_bridges(System(computer))
    assert found.code == ExitCode.NO_DEVICE
    assert "1a86:7523 (CH340)" in found.text and "brltty" in found.text


def test_a_bridge_with_its_port_and_a_mouse_are_well(computer: Path) -> None:
    plug_in(computer, "10c4", "ea60", "ttyUSB0")
    assert lines(checks.check_bridges(System(computer))) == []


def test_inside_windows_the_cable_is_attached_by_hand(computer: Path) -> None:
    (computer / "proc" / "version").write_text("Linux version 5.15.90-microsoft-standard-WSL2\n")
    assert "usbipd attach" in lines(checks.check_ports([], System(computer)))[0]


def test_a_free_port_is_well(terminal: str) -> None:
    (found,) = checks.check_ports([Port(terminal, "CP2102N")], System())
    assert str(found) == f"ok {terminal}: CP2102N, free"


def test_a_busy_port_names_the_program(terminal: str) -> None:
    with (
        open(terminal, "rb", buffering=0) as file,
        subprocess.Popen(["sleep", "60"], stdin=file) as holder,
    ):
        (found,) = checks.check_ports([Port(terminal)], System())
        holder.kill()
    assert found.code == ExitCode.NO_DEVICE
    assert f"sleep (pid {holder.pid})" in found.text


def test_a_forbidden_port_says_what_to_type(terminal: str) -> None:
    program = (
        "import os, sys\n"
        "from cma_toolkit.host_tools.cli import checks\n"
        "from cma_toolkit.host_tools.ports.discover import Port\n"
        "from cma_toolkit.host_tools.ports.system import System\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "found = list(checks.check_ports([Port(sys.argv[1])], System()))\n"
        "print(*found, sep='\\n'); sys.exit(checks.exit_code(found))\n"
    )
    os.chmod(terminal, 0o660 if os.getuid() == 0 else 0)
    done = subprocess.run(
        [sys.executable, "-c", program, terminal], capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.NO_DEVICE, done.stderr
    assert done.stdout.startswith(f"!! {terminal}: permission denied. Run: sudo usermod -aG ")
    assert done.stdout.rstrip().endswith("$USER, then log in again")


def test_a_port_that_went_away_is_told() -> None:
    (found,) = checks.check_ports([Port("/dev/ttyUSB77")], System())
    assert "went away" in found.text


def test_what_must_be_mended_first_gives_the_code() -> None:
    absent = Finding("bad", "", ExitCode.NO_DEVICE)
    refused = Finding("bad", "", ExitCode.REFUSED)
    assert checks.exit_code([Finding("ok", ""), absent]) == 3
    assert checks.exit_code([refused, absent]) == 4


def test_the_command_prints_a_line_per_finding(
    computer: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMA_VIRTUAL_HOME", str(computer / "virtual"))
    with pytest.raises(SystemExit):
        main(["doctor", "--root", str(computer)])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("ok Python 3.")
    assert all(line[:3] in ("ok ", "-- ", "!! ") for line in shown)
