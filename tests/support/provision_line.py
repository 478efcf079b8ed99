"""A production line of virtual boards, and a search of the whole host for their private keys."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from cma_toolkit.firmware.kernel.secure.certificate import Certificate
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import DONE, Enrolment, Enrolments
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.secure.authority import Authority
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from support.private_keys import KEY_BYTES, files_with, nvs_of
from support.virtual import VirtualBoards

KIND = "esp32-c3-devkitm-1"
BOARD_S = 1800  # one of many on two cores
CUTS_WRITES_MAX = 40  # an enrolment writes less
CRYPTO = PycaCrypto()
# A worker's part, then a whole command, in one process that stays to be searched.
HOLD = """
import json, os, sys
from cma_toolkit.host_tools.cli.common import use_virtual_handlers
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.ports.workers import Reporter
from cma_toolkit.host_tools.provision.worker import handle
use_virtual_handlers()
handle(json.loads(sys.stdin.readline()), Reporter(lambda line: None))
try:
    main(["provision", "--all"])
except SystemExit as end:
    print("ended", end.code, flush=True)
sys.stdin.readline()
"""


class Line:
    """A project with a line of the inventory for each of its boards, all blank."""

    def __init__(self, folder: Path, boards: VirtualBoards, count: int) -> None:
        create_project(folder / "line")
        self.folder = folder / "line"
        self.boards = boards
        self.names = [f"box-{number:02d}" for number in range(count)]
        lines = [f"{name},{KIND}" for name in self.names]
        (self.folder / "inventory.csv").write_text("\n".join(["name,board", *lines]) + "\n")
        self.said = b""
        self.keys: set[bytes] = set()
        for name in self.names:
            boards.make(KIND, flashed=False, name=name)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a command of this line is started with."""
        return {**os.environ, "CMA_VIRTUAL_HOME": str(self.boards.home)}

    def type(self, *words: str, may_fail: bool = False) -> str:
        """Type a command; returns what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        self.said += done.stdout + done.stderr
        assert may_fail or not done.returncode, done.stderr.decode()[-2000:]
        return done.stdout.decode()

    def records(self) -> list[Enrolment]:
        """Return the enrolments."""
        with Database(self.folder / ".cma" / "fleet.db") as database:
            return Enrolments(database).all()

    def count_enrolled(self) -> int:
        """Return how many boards have keys, and a certificate for just these."""
        authority = Authority(self.folder).facts().public
        flashes = [self._flash(name) for name in self.names]
        return sum(
            one.state == DONE
            and Certificate(one.certificate).is_signed(authority, CRYPTO.verify)
            and any(self._holds(flash, one, authority) for flash in flashes)
            for one in self.records()
        )

    def unplug(self, names: Iterable[str], rng: random.Random) -> None:
        """Have the power of boards fail in a flash operation of the next command."""
        for name in names:
            writes = rng.randint(1, CUTS_WRITES_MAX)
            self.boards.client.cut_power(name, after_flash_writes=writes, torn_bytes=5)

    def plug_in(self, names: Iterable[str]) -> None:
        """Give the power back; who was not cut off yet is now."""
        for name in names:
            self.boards.client.cut_power(name)
            self.boards.client.restore_power(name)

    def nvs(self) -> list[bytes]:
        """Return the NVS of each board."""
        return [nvs_of(self.boards.home / name) for name in self.names]

    def search(self, request: str, say: Callable[[str], None]) -> int:
        """Search files, output and memory for private keys; returns how many were found."""
        found = 0
        for key in sorted(self.keys):
            folders = (self.folder, self.boards.home)
            found += sum(path.name != "flash.bin" for path in files_with(key, *folders))
            found += key in self.said or key.hex().encode() in self.said
        return found + self._search_memory(request, say)

    def _search_memory(self, request: str, say: Callable[[str], None]) -> int:
        with subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdin and process.stdout
            process.stdin.write(request + "\n")
            process.stdin.flush()
            assert any(line == "ended 0\n" for line in process.stdout)
            memory = _memory_of(process.pid)
            process.stdin.write("\n")
        public = [one.signer for one in self.records()]
        seen = sum(key in memory or key.hex().encode() in memory for key in public)
        say(f"searched {len(memory)} bytes of memory, in which {seen} public keys are")
        assert seen == len(public), "a search that finds no public key finds no private one"
        return sum(key in memory or key.hex().encode() in memory for key in self.keys)

    def _flash(self, name: str) -> bytes:
        return (self.boards.home / name / "flash.bin").read_bytes()

    def _holds(self, flash: bytes, one: Enrolment, authority: bytes) -> bool:
        """Tell whether a flash has the record of an enrolment; note its private keys."""
        at = flash.find(one.public + one.signer + authority + one.certificate)
        if at < 0:
            return False
        agree, sign = flash[at - 2 * KEY_BYTES : at - KEY_BYTES], flash[at - KEY_BYTES : at]
        self.keys |= {agree, sign}
        return CRYPTO.public_of(agree) == one.public and CRYPTO.signer_of(sign) == one.signer


def _memory_of(pid: int) -> bytes:
    """Return all that a process has in memory and may write."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            memory.seek(start)
            parts.append(memory.read(end - start))
    return b"".join(parts)
