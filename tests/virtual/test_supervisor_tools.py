"""esptool and mpremote on `virtual://NAME`, as programs into which only our handler was added."""

import os
import subprocess
import sys
from pathlib import Path

from support.tools import run_tool
from support.virtual import VirtualBoards

WITH_HANDLER = (
    "import sys, serial\n"
    "serial.protocol_handler_packages.append('cma_toolkit.sim.virtual_board.handlers')\n"
    "from {module} import {function}\n"
    "sys.exit({function}())\n"
)


def tool(module: str, function: str, *arguments: str, folder: Path) -> str:
    script = WITH_HANDLER.format(module=module, function=function)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.replace("\r\n", "\n")


def test_esptool_resets_by_the_lines_writes_verifies_and_reads(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = virtual_boards.make("esp32-s3-devkitc-1", flashed=False)
    content = os.urandom(300_000)
    (tmp_path / "image.bin").write_bytes(content)
    port = ("--port", board.fast)
    said = tool("esptool", "_main", *port, "write-flash", "0x400000", "image.bin", folder=tmp_path)
    assert "ESP32-S3" in said and "Hash of data verified." in said
    assert "NOT reset" not in said  # the reset lines worked at once, no attempt was lost
    tool(
        "esptool", "_main", *port, "read-flash", "0x400000", "300000", "back.bin", folder=tmp_path
    )
    assert (tmp_path / "back.bin").read_bytes() == content
    assert virtual_boards.client.info(board.name).state == "boot-loop"


def test_mpremote_copies_mounts_and_prompts(virtual_boards: VirtualBoards, tmp_path: Path) -> None:
    board = virtual_boards.make()
    (tmp_path / "every.bin").write_bytes(bytes(range(256)) * 40)
    said = tool(
        "mpremote.main", "main", "connect", board.fast, "cp", "every.bin", ":",
        "+", "cp", ":every.bin", "back.bin", "+", "mount", ".",
        "exec", "print(len(open('every.bin', 'rb').read()))", folder=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "every.bin").read_bytes()
    assert said.endswith("10240\n")


def test_a_tool_that_comes_second_over_the_network_fails_at_once(
    virtual_boards: VirtualBoards,
) -> None:
    from cma_toolkit.sim.virtual_board.handlers.protocol_virtual import Serial

    board = virtual_boards.make(flashed=False)
    port = Serial()
    port.port = board.fast
    port.open()
    said = run_tool("mpremote", "connect", board.url, "eval", "1", code=1)
    assert "failed to access" in said
    port.close()
