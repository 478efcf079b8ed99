"""The authority at work: proofs, certificates, records, and the list of what is void."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.secure.certificate import Certificate
from cma_toolkit.firmware.kernel.secure.identity import proven
from cma_toolkit.firmware.kernel.secure.kdf import hmac
from cma_toolkit.firmware.kernel.secure.revocation import MARK_BYTES, REVOKED_MAX, read
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import DONE, STARTED
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.provision.actual import Actual, Kept
from cma_toolkit.host_tools.provision.enrolling import Enroller
from cma_toolkit.host_tools.secure.pyca import PycaCrypto

CRYPTO = PycaCrypto()


class Board:
    """A board that keeps its keys, as its script does."""

    def __init__(self, number: int) -> None:
        self.mac = f"a4:cf:12:00:00:{number:02x}"
        self.kept = Kept()
        self.make_keys()

    def make_keys(self) -> None:
        self._agree, self._sign = CRYPTO.random(32), CRYPTO.random(32)

    @property
    def public(self) -> bytes:
        return CRYPTO.public_of(self._agree)

    @property
    def signer(self) -> bytes:
        return CRYPTO.signer_of(self._sign)

    @property
    def actual(self) -> Actual:
        return Actual(self.mac, "esp32", ours=True, kept=self.kept)

    def prove(self, question: dict[str, str]) -> dict[str, list[str]]:
        mac = bytes.fromhex(self.mac.replace(":", ""))
        message = proven(bytes.fromhex(question["nonce"]), mac, self.public, self.signer)
        secret = CRYPTO.agree(self._agree, bytes.fromhex(question["ephemeral"]))
        parts = (self.public, self.signer, CRYPTO.sign(self._sign, message), hmac(secret, message))
        return {"proof": [part.hex() for part in parts]}

    def keep(self, given: dict[str, str]) -> None:
        values = {name: bytes.fromhex(value) for name, value in given.items()}
        if values["certificate"]:
            self.kept = Kept(self.public, **{**values, "orders": self.kept.orders})
        if values["orders"]:
            kept = self.kept
            self.kept = Kept(
                kept.public,
                kept.signer,
                kept.authority,
                kept.certificate,
                orders=values["orders"],
            )


class Desk:
    """A project, and boards that come to it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.project = load_project(folder)
        self.database = database
        self.enroller = Enroller(self.project, database)
        self.row = self.project.rows[0]

    def enrol(self, board: Board) -> None:
        """Take one board through all steps."""
        question = self.enroller.question(board.actual)
        self.enroller.certify(self.row, board.actual, board.prove(question))
        expected = self.enroller.expected(board.actual)
        board.keep(self.enroller.to_keep(board.actual))
        assert expected == {name: getattr(board.kept, name).hex() for name in expected}
        self.enroller.finish(board.actual)

    def lacks(self, board: Board) -> str:
        """Return what a board lacks, in words."""
        step = self.enroller.next_step(self.row, board.actual)
        words = [f"{step.keys.value} {step.why}".strip()] if step else []
        words += ["list"] if self.enroller.lacks_list(board.actual) else []
        return ", ".join(words)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A project that enrolled nobody yet."""
    create_project(tmp_path / "orchard")
    with Database(tmp_path / "orchard" / ".cma" / "fleet.db") as database:
        yield Desk(tmp_path / "orchard", database)


def test_a_board_gets_a_certificate_of_its_own_keys_and_then_lacks_nothing(desk: Desk) -> None:
    board = Board(1)
    assert desk.lacks(board) == "kept"
    desk.enrol(board)
    facts = desk.enroller.authority.facts()
    held = Certificate(board.kept.certificate)
    assert held.is_signed(facts.public, CRYPTO.verify) and held.public == board.public
    assert held.network == desk.project.fleet.network and board.kept.orders == b""
    assert desk.enroller.records.all()[0].state == DONE and desk.lacks(board) == ""


def test_a_proof_that_is_none_leaves_no_record(desk: Desk) -> None:
    board, other = Board(1), Board(2)
    question = desk.enroller.question(board.actual)
    answer = board.prove(question)
    answer["proof"][1] = other.signer.hex()
    with pytest.raises(CmaError) as caught:
        desk.enroller.certify(desk.row, board.actual, answer)
    assert caught.value.code is ExitCode.VERIFY_FAILED
    assert desk.enroller.records.all() == [] and not desk.enroller.authority.exists()


def test_two_boards_cannot_have_one_key(desk: Desk) -> None:
    board, copy = Board(1), Board(2)
    desk.enrol(board)
    copy._agree, copy._sign = board._agree, board._sign
    question = desk.enroller.question(copy.actual)
    with pytest.raises(CmaError, match="another board's keys"):
        desk.enroller.certify(desk.row, copy.actual, copy.prove(question))


def test_what_is_cut_off_before_the_board_has_it_is_started_and_no_more(desk: Desk) -> None:
    board = Board(1)
    question = desk.enroller.question(board.actual)
    desk.enroller.certify(desk.row, board.actual, board.prove(question))
    assert desk.enroller.records.all()[0].state == STARTED
    board.kept = Kept(fresh_signer=board.signer)
    assert desk.lacks(board) == "fresh cut off in between"


def test_new_keys_void_the_old_ones_and_every_board_gets_the_list(desk: Desk) -> None:
    one, other = Board(1), Board(2)
    desk.enrol(one)
    desk.enrol(other)
    old = one.signer
    one.make_keys()
    desk.enrol(one)
    network, number, epoch, _ = read(one.kept.orders)
    assert (network, epoch) == (desk.project.fleet.network, 0)
    assert [each.signer for each in desk.enroller.records.revocations()] == [old]
    assert desk.lacks(one) == "" and desk.lacks(other) == "list"
    other.keep(desk.enroller.to_keep(other.actual))
    assert desk.lacks(other) == "" and other.kept.orders == one.kept.orders
    assert desk.enroller.records.revoke(other.mac, "stolen")
    assert not desk.enroller.records.revoke(other.mac, "again")
    assert read(desk.enroller.newest_list())[1] > number
    assert desk.enroller.newest_list() == desk.enroller.newest_list()


def test_a_full_list_says_what_to_do_and_an_epoch_empties_it(desk: Desk) -> None:
    board = Board(1)
    desk.enrol(board)
    for _ in range(REVOKED_MAX):
        board.make_keys()
        desk.enrol(board)
    with pytest.raises(CmaError, match="enrolment renew"):
        desk.enroller.check_room(board.mac)
    desk.enroller.authority.raise_epoch()
    assert desk.lacks(board) == "kept of epoch 0"
    assert read(desk.enroller.newest_list())[2] == 0, "the old ones count until the last is gone"
    desk.enrol(board)
    assert desk.lacks(board) == ""
    assert read(board.kept.orders)[2:] == [1, b""]
    desk.enroller.check_room(board.mac)


def test_a_board_that_is_lost_while_the_list_is_full_does_not_hold_up_the_next_epoch(
    desk: Desk,
) -> None:
    board, lost = Board(1), Board(2)
    desk.enrol(lost)
    desk.enrol(board)
    for _ in range(REVOKED_MAX):
        board.make_keys()
        desk.enrol(board)
    desk.enroller.authority.raise_epoch()
    with pytest.raises(CmaError, match="enrolment renew"):
        desk.enroller.check_room(lost.mac)
    desk.enrol(board)
    desk.enroller.check_room(lost.mac)  # it is the last of its epoch
    desk.enroller.records.revoke(lost.mac, "lost")
    assert read(desk.enroller.newest_list())[2:] == [1, b""]


def test_more_void_keys_than_a_list_holds_keep_no_board_from_its_certificate(desk: Desk) -> None:
    boards = [Board(number) for number in range(REVOKED_MAX + 2)]
    for board in boards:
        desk.enrol(board)
    for board in boards:  # each was looked at before the first was replaced
        board.make_keys()
        desk.enrol(board)
    assert desk.enroller.is_overfull
    held = desk.enroller.newest_list()
    assert len(read(held)[3]) == REVOKED_MAX * MARK_BYTES and desk.lacks(boards[-1]) == ""
    desk.enroller.authority.raise_epoch()
    for board in boards:
        assert desk.lacks(board).startswith("kept of epoch 0")
        desk.enrol(board)
    assert not desk.enroller.is_overfull
    assert read(desk.enroller.newest_list())[2:] == [1, b""]


@pytest.mark.parametrize(
    "proof", [[], ["00"] * 3, ["00"] * 5, ["zz"] * 4, [1, 2, 3, 4], None, "word"]
)
def test_an_answer_of_another_form_is_damage_and_no_bug(desk: Desk, proof: object) -> None:
    board = Board(1)
    desk.enroller.question(board.actual)
    for answer in ({"proof": proof}, {}):
        with pytest.raises(CmaError, match="damaged") as caught:
            desk.enroller.certify(desk.row, board.actual, answer)
        assert caught.value.code is ExitCode.VERIFY_FAILED


def test_another_authority_is_not_made_by_the_way(desk: Desk) -> None:
    board = Board(1)
    desk.enrol(board)
    desk.enroller.authority.path.unlink()
    with pytest.raises(CmaError, match="put it back"):
        desk.enrol(board)
