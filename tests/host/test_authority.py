"""A fleet's authority: one file for its owner alone, whole after any cut, and its word."""

import json
import stat
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.secure.certificate import Certificate, thumbprint_of
from cma_toolkit.firmware.kernel.secure.kdf import hmac
from cma_toolkit.firmware.kernel.secure.revocation import REVOKED_MAX, Revocations
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.release.disk import Disk
from cma_toolkit.host_tools.secure import statements
from cma_toolkit.host_tools.secure.authority import FILE, FOLDER, Authority
from cma_toolkit.host_tools.secure.certificates import certify
from cma_toolkit.host_tools.secure.possession import ask
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from support.secure_parties import MemoryTable

NETWORK = 7
CRYPTO = PycaCrypto()
MAC = bytes.fromhex("a4cf12000001")


class PowerCutError(Exception):
    """The disk stands still."""


class CutDisk(Disk):
    """A disk that stands still before its n-th step."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def _step(self) -> None:
        if not self._left:
            raise PowerCutError
        self._left -= 1

    def write(self, path: Path, data: bytes, mode: int = 0o600) -> None:
        self._step()
        super().write(path, data, mode)

    def sync(self, path: Path) -> None:
        self._step()
        super().sync(path)

    def rename(self, path: Path, to: Path) -> None:
        self._step()
        super().rename(path, to)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)


def succession(public: bytes, sign: statements.Sign) -> bytes:
    return statements.name_successor(NETWORK, 5, public, sign)


def test_its_file_is_the_owners_alone_and_no_git_takes_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    facts = authority.create()
    path = tmp_path / FOLDER / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / FOLDER / ".gitignore").read_text() == "*\n"
    private = json.loads(path.read_text())["private"]
    assert private not in repr(facts) and facts.public.hex() != private
    with pytest.raises(CmaError) as caught:
        authority.create()
    assert caught.value.code is ExitCode.USAGE and "rotate" in caught.value.message
    assert authority.facts() == facts
    path.chmod(0o640)
    with pytest.raises(CmaError, match="chmod 600"):
        authority.facts()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(CmaError, match="authority create"):
        authority.sign(b"")
    authority.create()
    fields = json.loads(authority.path.read_text())
    for name, value in (("private", "00" * 32), ("private", "00"), ("epoch", "x"), ("public", 5)):
        authority.path.write_text(json.dumps({**fields, name: value}))
        with pytest.raises(CmaError, match="damaged"):
            authority.facts()
    authority.path.write_text("[]")
    with pytest.raises(CmaError, match="damaged"):
        authority.facts()


def test_boards_believe_its_certificates_its_lists_and_its_successor(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    facts = authority.create()
    signer = CRYPTO.signer_of(b"\x05" * 32)
    said = (11, NETWORK, 14, 0, thumbprint_of(signer))
    held = Certificate(certify(said, CRYPTO.public_of(b"\x06" * 32), 9, authority.sign))
    assert held.is_signed(facts.public, CRYPTO.verify)
    machine = Revocations(MemoryTable(), CRYPTO, facts.public, NETWORK)
    document = statements.list_revoked(NETWORK, 4, 0, [signer], authority.sign)
    assert statements.says(document, 0, [signer]) and not statements.says(document, 0, [])
    assert machine.on_statement(document) and machine.is_void(held)

    after = authority.rotate(succession)
    assert (after.former, after.epoch) == ((facts.public,), 1) and after.public != facts.public
    assert machine.on_statement(after.successions[-1])
    assert machine.on_statement(statements.list_revoked(NETWORK, 6, 1, [], authority.sign))
    assert machine.authority == after.public


def test_a_list_holds_no_more_keys_than_a_board_reads(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.create()
    signers = [bytes([number]) * 32 for number in range(REVOKED_MAX + 1)]
    statements.list_revoked(NETWORK, 1, 0, signers[1:], authority.sign)
    with pytest.raises(ValueError, match="17 keys"):
        statements.list_revoked(NETWORK, 1, 0, signers, authority.sign)


def test_numbers_go_on_after_their_database_is_lost() -> None:
    now_s = 1_800_000_000
    first = statements.next_number(0, [], now_s)
    assert statements.next_number(first, [], now_s) == first + 1
    assert statements.next_number(0, [], now_s + 1) > first


def test_after_any_cut_of_a_rotation_there_is_one_authority_that_boards_believe(
    tmp_path: Path,
) -> None:
    for steps in range(20):
        folder = tmp_path / str(steps)
        facts = Authority(folder).create()
        try:
            Authority(folder, CutDisk(steps)).rotate(succession)
        except PowerCutError:
            whole = False
        else:
            whole = True
        now = Authority(folder).facts()
        assert facts.public in (now.public, *now.former)
        assert len(now.successions) == len(now.former)
        if whole:
            assert now.public != facts.public
            break
    else:
        pytest.fail("the rotation never came to its end")


def test_a_proof_of_possession_is_one_boards_answer_to_one_question() -> None:
    agree, sign = b"\x05" * 32, b"\x06" * 32
    public, signer = CRYPTO.public_of(agree), CRYPTO.signer_of(sign)
    question = ask(MAC, CRYPTO.random)
    assert question._private.hex() not in repr(question)

    def answer(agree: bytes, sign: bytes, asked: object = question) -> tuple[bytes, bytes]:
        message = b"cma enrol" + question.nonce + MAC + public + signer
        secret = CRYPTO.agree(agree, question.ephemeral)
        return CRYPTO.sign(sign, message), hmac(secret, message)

    assert question.is_answered(public, signer, *answer(agree, sign))
    assert not question.is_answered(public, signer, *answer(b"\x07" * 32, sign))
    assert not question.is_answered(public, signer, *answer(agree, b"\x07" * 32))
    assert not ask(MAC, CRYPTO.random).is_answered(public, signer, *answer(agree, sign))
    assert not question.is_answered(bytes(32), signer, *answer(agree, sign))


def test_numbers_go_on_from_lists_and_successions_alike() -> None:
    now_s = statements.EPOCH_OF_NUMBERS_S + 100
    word = statements.name_successor(NETWORK, 900, bytes(32), lambda _message: bytes(64))
    assert statements.next_number(0, [], now_s) == 100
    assert statements.next_number(500, [], now_s) == 501
    assert statements.next_number(500, [word], now_s) == 901
    assert statements.next_number(950, [word], now_s) == 951
