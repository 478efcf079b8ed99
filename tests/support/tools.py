"""Run the real tools as a person does: as programs of their own."""

import os
import subprocess
import sys
from pathlib import Path

TOOL_TIMEOUT_S = 60.0
# pyserial 3.5 names its reader thread in a way that Python has deprecated; that is no finding.
_QUIET = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "TERM": "dumb"}
_QUIET["EDITOR"] = "sed -i s/before/after/"  # what `mpremote edit` lets a person do


def run_tool(
    *arguments: str | Path,
    code: int = 0,
    folder: Path | None = None,
    timeout_s: float = TOOL_TIMEOUT_S,
) -> str:
    """Run `python -m TOOL …`, hold it to its exit code and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=folder,
        env=_QUIET,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    said = done.stdout.decode(errors="replace").replace("\r\n", "\n")
    command = " ".join(map(str, arguments))
    assert done.returncode == code, f"{command}: exit {done.returncode}, not {code}\n{said}"
    return said


def mpremote(port: str, *arguments: str | Path, code: int = 0, folder: Path | None = None) -> str:
    """Run mpremote on one port; `+` ends the arguments of a command."""
    return run_tool("mpremote", "connect", port, *arguments, code=code, folder=folder)


def ampy(port: str, *arguments: str | Path, code: int = 0, folder: Path | None = None) -> str:
    """Run ampy on one port, without its pause for slow boards."""
    return run_tool(
        "ampy.cli", "--port", port, "--delay", "0", *arguments, code=code, folder=folder
    )


def esptool(port: str, *arguments: str | Path, code: int = 0, folder: Path | None = None) -> str:
    """Run esptool on one port."""
    return run_tool("esptool", "--port", port, *arguments, code=code, folder=folder)
