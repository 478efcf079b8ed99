"""Enrolment as typed, on virtual boards: keys stay where they were made, and can be void."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.secure.certificate import Certificate
from cma_toolkit.firmware.kernel.secure.revocation import Revocations
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import DONE, Enrolment, Enrolments
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.secure.authority import Authority
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from support.flashed_board import make_flashed
from support.private_keys import files_with, nvs_of, private_keys
from support.secure_parties import MemoryTable
from support.virtual import VirtualBoards

CRYPTO = PycaCrypto()
FLEET = 'name = "greenhouse"\nnetwork = 7\n'
INVENTORY = "name,board,roles\nbox-1,esp32-devkitc,edge relay\nbox-2,esp32-c3-devkitm-1,\n"


class Desk:
    """A project, its boards, and a person who types."""

    def __init__(self, folder: Path, boards: VirtualBoards) -> None:
        create_project(folder)
        self.folder = folder
        self.boards = boards
        self.said = ""
        (folder / "fleet.toml").write_text(FLEET)
        (folder / "inventory.csv").write_text(INVENTORY)
        (folder / "app.py").write_text("def setup(agent):\n    pass\n")

    def type(self, *words: str, code: int = ExitCode.OK) -> str:
        """Type a command; returns what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *words],
            cwd=self.folder,
            env={**os.environ, "CMA_VIRTUAL_HOME": str(self.boards.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.said += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def records(self) -> dict[str, Enrolment]:
        """Return the enrolments by the names of boards."""
        with Database(self.folder / ".cma" / "fleet.db") as database:
            names = {board.mac: board.name for board in database.boards()}
            return {names[one.mac]: one for one in Enrolments(database).all()}

    def list_of_voids(self) -> bytes:
        """Return the newest list."""
        with Database(self.folder / ".cma" / "fleet.db") as database:
            return Enrolments(database).statement(7)[1]


@pytest.fixture
def desk(tmp_path: Path, virtual_boards: VirtualBoards) -> Desk:
    """Two flashed boards that nobody enrolled yet."""
    desk = Desk(tmp_path / "greenhouse", virtual_boards)
    make_flashed(virtual_boards, "one", "esp32-devkitc")
    make_flashed(virtual_boards, "two", "esp32-c3-devkitm-1")
    return desk


def test_boards_are_enrolled_revoked_and_enrolled_again(desk: Desk) -> None:
    # long: a story in order; every line stands on the ones before it
    desk.type("provision", "--all", "--assign")
    authority = Authority(desk.folder).facts()
    first = desk.records()
    for name, place in (("box-1", "one"), ("box-2", "two")):
        one, flash = first[name], (desk.boards.home / place / "flash.bin").read_bytes()
        held = Certificate(one.certificate)
        assert one.state == DONE and held.is_signed(authority.public, CRYPTO.verify)
        assert (held.public, held.network, held.node) == (one.public, 7, one.node)
        keys = private_keys(flash, one.public, one.signer)
        assert CRYPTO.public_of(keys[0]) == one.public and CRYPTO.signer_of(keys[1]) == one.signer
        for key in keys:
            assert files_with(key, desk.folder) == [] and key.hex() not in desk.said
    assert (first["box-1"].roles, first["box-2"].roles) == (0b0011, 0b1110)

    before = {place: nvs_of(desk.boards.home / place) for place in ("one", "two")}
    assert desk.type("provision", "--all").count("nothing to change") == 2
    assert before == {place: nvs_of(desk.boards.home / place) for place in ("one", "two")}

    desk.type("enrolment", "revoke", "box-2", code=ExitCode.NEEDS_YES)
    desk.type("enrolment", "revoke", "box-2", "--why", "stolen", "--yes")
    desk.type("provision", "-d", "box-1")
    machine = Revocations(MemoryTable(), CRYPTO, authority.public, 7)
    assert machine.on_statement(desk.list_of_voids())
    assert machine.is_void(Certificate(first["box-2"].certificate))
    assert not machine.is_void(Certificate(first["box-1"].certificate))
    assert desk.list_of_voids() in nvs_of(desk.boards.home / "one")

    assert "--replace" in desk.type("provision", "-d", "box-2", code=ExitCode.REFUSED)
    desk.type("provision", "-d", "box-2", "--replace")
    after = desk.records()["box-2"]
    assert after.state == DONE and after.signer != first["box-2"].signer
    assert not machine.is_void(Certificate(after.certificate))
    rows = [json.loads(line) for line in desk.type("enrolment", "list", "-o", "json").splitlines()]
    assert {row["name"]: row["roles"] for row in rows} == {
        "box-1": ["edge", "relay"],
        "box-2": ["relay", "voter", "actor"],
    }
