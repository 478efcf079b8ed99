"""The signer of releases: right by the standards, and never one leaf twice."""

import itertools
import json
import multiprocessing
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release.lms import verify
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.release import leaves, lms_key
from cma_toolkit.host_tools.release.documents import key_id
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.lms_key import ParameterSet, PrivateKey
from support import hss_lms
from support.model_disk import ModelDisk, PowerCutError
from support.release_office import refusal

SMALL = ParameterSet(10, 6)  # 32 leaves, short chains
KEYS, MARKS, AWAY = Path("keys"), Path("marks"), Path("away/backup.json")
VECTORS = hss_lms.load(str(Path(hss_lms.__file__).parent / hss_lms.FILE))


def leaf_of(signature: bytes) -> int:
    return int.from_bytes(signature[4:8], "big")


def test_the_key_and_the_signature_of_the_standard_are_made_again() -> None:
    # RFC 9858, A.1, tells the seed: the bytes from 0, and the identifier: those from 0x20.
    vector = VECTORS[2]
    key = PrivateKey(ParameterSet(10, 8), bytes(range(0x20, 0x30)), bytes(range(24)))
    assert lms_key.public_key(key) == vector.key
    assert lms_key.sign(key, 5, vector.message, vector.signature[12:36]) == vector.signature
    # RFC 8554, test case 2, tells those of its lower level.
    seed = bytes.fromhex("a1c4696e2608035a886100d05cd99945eb3370731884a8235e2fb3d4d71f2547")
    lower = PrivateKey(ParameterSet(5, 4), bytes.fromhex("215f83b7ccb9acbcd08db97b0d04dc2b"), seed)
    assert lms_key.public_key(lower)[4:] in VECTORS[1].signature


@pytest.mark.parametrize("ots", [*range(1, 9)])
def test_every_width_of_sha256_signs_what_the_board_verifies(ots: int) -> None:
    draw = random.Random(ots).randbytes
    parameters = ParameterSet(5 if ots < 5 else 10, ots)
    key = lms_key.generate(parameters, draw)
    signature = lms_key.sign(key, 31, b"message", draw(parameters.hash_bytes))
    assert verify(lms_key.public_key(key), b"message", signature)
    assert not verify(lms_key.public_key(key), b"massage", signature)


def test_ranges_of_leaves_are_the_sets_that_they_stand_for() -> None:
    draw = random.Random(5)
    for _ in range(300):
        sets, ranges = [], []
        for _ in range(2):
            given = [sorted((draw.randrange(12), draw.randrange(12))) for _ in range(3)]
            ranges.append(leaves.joined(tuple((a, b) for a, b in given), ()))
            sets.append({leaf for a, b in given for leaf in range(a, b)})
        for free, leaf_set in zip(ranges, sets, strict=True):
            assert listed(free) == sorted(leaf_set) and leaves.count(free) == len(leaf_set)
            taken, left = leaves.take_last(free, 3)
            assert listed(left) + listed(taken) == sorted(leaf_set)
            assert leaves.count(taken) == min(3, len(leaf_set))
            if free:
                first, others = leaves.take_first(free)
                assert [first, *listed(others)] == sorted(leaf_set)
        assert listed(leaves.common(*ranges)) == sorted(sets[0] & sets[1])
        assert listed(leaves.joined(*ranges)) == sorted(sets[0] | sets[1])


def listed(free: leaves.Ranges) -> list[int]:
    return [leaf for start, end in free for leaf in range(start, end)]


def test_no_print_shows_the_seed() -> None:
    key = lms_key.generate(SMALL, random.Random(1).randbytes)
    assert key.seed.hex() not in repr(key) and repr(key.seed) not in repr(key)


def folder(disk: ModelDisk) -> KeyFolder:
    # The same entropy each time: the tree of 32 leaves is computed once for all cuts.
    draws = itertools.count()
    return KeyFolder(KEYS, MARKS, disk, lambda n: sha256(b"%d" % next(draws)).digest()[:n])


def signer_life(disk: ModelDisk, signatures: list[bytes]) -> list[Callable[[], None]]:
    """Return the steps of a key's life; each may be taken again after a power cut."""

    def create() -> None:
        if "release" not in folder(disk).names():
            folder(disk).create("release", SMALL)

    def sign() -> None:
        signatures.append(folder(disk).sign("release", b"message %d" % len(signatures)))

    def backup() -> None:
        if disk.read(AWAY) is None:
            folder(disk).backup("release", 8, AWAY)

    def lose() -> None:
        disk.remove(KEYS)

    def restore() -> None:
        if b'"backup"' in (disk.read(AWAY) or b""):
            folder(disk).restore(AWAY)

    return [create, sign, sign, backup, sign, lose, restore, sign, sign]


@pytest.mark.parametrize("keeps", [False, True])
def test_the_power_may_go_at_every_step_of_a_keys_life(keeps: bool) -> None:
    whole = ModelDisk()
    for step in signer_life(whole, []):
        step()
    assert whole.steps > 60
    for cut in range(whole.steps):
        disk, signatures = ModelDisk(), list[bytes]()
        disk.steps_left = cut
        for step in signer_life(disk, signatures):
            try:
                step()
            except PowerCutError:
                disk.start_again(keeps=keeps)
                step()
        used = [leaf_of(signature) for signature in signatures]
        assert len(used) == 5 and len(set(used)) == 5, (cut, used)
        assert max(used[:3]) < min(used[3:]), (cut, used)  # the backup's own


def test_power_that_goes_again_and_again_doubles_no_leaf_either() -> None:
    draw, lived = random.Random(7), 0
    for _ in range(150):
        disk, signatures = ModelDisk(), list[bytes]()
        disk.steps_left = draw.randrange(70)
        todo = signer_life(disk, signatures)
        while todo:
            try:
                todo[0]()
                del todo[0]
            except PowerCutError:
                disk.start_again(keeps=draw.random() < 0.5)
                disk.steps_left = draw.randrange(40)
            except CmaError:  # all leaves are lost to power cuts
                break
        lived += not todo
        used = [leaf_of(signature) for signature in signatures]
        assert len(set(used)) == len(used)
    assert lived > 50


def test_nothing_is_signed_before_its_leaf_is_gone_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = ModelDisk()
    folder(disk).create("release", SMALL)
    real, seen = lms_key.sign, []

    def sign(key: PrivateKey, leaf: int, message: bytes, randomizer: bytes) -> bytes:
        disk.start_again(keeps=False)  # what a power cut right here would leave
        seen.append(folder(disk).left("release"))
        return real(key, leaf, message, randomizer)

    monkeypatch.setattr(lms_key, "sign", sign)
    for _ in range(3):
        folder(disk).sign("release", b"message")
    assert seen == [31, 30, 29]


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(tmp_path / "keys", tmp_path / "marks")
    made.create("release", SMALL)
    return made


def test_a_folder_that_came_back_from_an_older_copy_signs_with_no_used_leaf(
    keys: KeyFolder, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    used = {leaf_of(keys.sign("release", b"1")) for _ in range(3)}
    shutil.rmtree(tmp_path / "keys")
    shutil.copytree(tmp_path / "copy", tmp_path / "keys")
    assert keys.left("release") == 29
    assert leaf_of(keys.sign("release", b"2")) not in used


def test_a_folder_from_another_computer_signs_nothing(keys: KeyFolder, tmp_path: Path) -> None:
    there = KeyFolder(tmp_path / "keys", tmp_path / "marks of another computer")
    message = refusal(ExitCode.REFUSED, lambda: there.sign("release", b"1"))
    assert "cma release restore" in message
    # With a backup it does, with leaves of its own.
    keys.backup("release", 4, tmp_path / "backup")
    assert there.restore(tmp_path / "backup") == ("release", 4)
    assert leaf_of(there.sign("release", b"1")) == 28


def test_a_backup_is_put_back_once(keys: KeyFolder, tmp_path: Path) -> None:
    keys.backup("release", 4, tmp_path / "backup")
    shutil.copy(tmp_path / "backup", tmp_path / "copy")
    assert keys.left("release") == 28
    keys.restore(tmp_path / "backup")
    assert keys.left("release") == 32
    assert "put back" in refusal(ExitCode.USAGE, lambda: keys.restore(tmp_path / "backup"))
    assert "before" in refusal(ExitCode.USAGE, lambda: keys.restore(tmp_path / "copy"))
    assert keys.left("release") == 32


def test_an_older_folder_and_a_copy_of_its_backup_free_no_used_leaf(
    keys: KeyFolder, tmp_path: Path
) -> None:
    keys.backup("release", 4, tmp_path / "backup")
    shutil.copy(tmp_path / "backup", tmp_path / "copy")
    shutil.move(tmp_path / "keys", tmp_path / "old")
    keys.restore(tmp_path / "backup")
    assert leaf_of(keys.sign("release", b"1")) == 28
    shutil.rmtree(tmp_path / "keys")
    shutil.move(tmp_path / "old", tmp_path / "keys")
    assert keys.restore(tmp_path / "copy") == ("release", 3)
    assert leaf_of(keys.sign("release", b"2")) == 29


def test_a_backup_takes_nobodys_place(keys: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert "exists" in refusal(
        ExitCode.USAGE, lambda: keys.backup("release", 4, tmp_path / "mine")
    )
    for count in (0, 32, 99):
        assert "fewer" in refusal(
            ExitCode.USAGE, lambda count=count: keys.backup("release", count, tmp_path / "new")
        )
    assert (tmp_path / "mine").read_text() == "mine" and keys.left("release") == 32


def test_a_backup_of_another_key_takes_no_keys_place(keys: KeyFolder, tmp_path: Path) -> None:
    other = KeyFolder(tmp_path / "other", tmp_path / "marks")
    other.create("release", SMALL)
    other.backup("release", 4, tmp_path / "backup")
    assert "another key" in refusal(ExitCode.USAGE, lambda: keys.restore(tmp_path / "backup"))
    text = json.loads((tmp_path / "backup").read_text())
    (tmp_path / "backup").write_text(json.dumps({**text, "name": "../release"}))
    assert "no name" in refusal(ExitCode.USAGE, lambda: keys.restore(tmp_path / "backup"))


def test_a_backup_being_put_back_on_one_computer_is_refused_on_another(
    keys: KeyFolder, tmp_path: Path
) -> None:
    keys.backup("release", 4, tmp_path / "backup")
    text = json.loads((tmp_path / "backup").read_text())
    (tmp_path / "backup").write_text(json.dumps({**text, "computer": "00" * 8}))
    assert "another computer" in refusal(ExitCode.USAGE, lambda: keys.restore(tmp_path / "backup"))


def test_a_key_without_signatures_left_refuses(keys: KeyFolder) -> None:
    for _ in range(32):
        keys.sign("release", b"message")
    assert "no signature left" in refusal(
        ExitCode.REFUSED, lambda: keys.sign("release", b"message")
    )


def test_what_is_missing_or_damaged_refuses_in_one_sentence(
    keys: KeyFolder, tmp_path: Path
) -> None:
    assert "there are release" in refusal(ExitCode.USAGE, lambda: keys.sign("root", b""))
    assert "no name" in refusal(ExitCode.USAGE, lambda: keys.create("../key"))
    assert "exists" in refusal(ExitCode.USAGE, lambda: keys.create("release", SMALL))
    for text in ("", "[]", "{}", '{"free": [[0]], "restored": []}', '{"free": 1}'):
        (tmp_path / "keys" / "release.leaves").write_text(text)
        assert "damaged" in refusal(ExitCode.REFUSED, lambda: keys.sign("release", b""))
    (tmp_path / "keys" / "release.leaves").unlink()
    assert "missing" in refusal(ExitCode.REFUSED, lambda: keys.sign("release", b""))
    (tmp_path / "keys" / "release.key").write_text('{"lms": 10, "ots": 8}')
    assert "damaged" in refusal(ExitCode.REFUSED, lambda: keys.sign("release", b""))


@pytest.mark.skipif(os.name == "nt", reason="modes of files are those of POSIX")
def test_only_the_owner_may_read_what_a_key_is_made_of(keys: KeyFolder, tmp_path: Path) -> None:
    keys.backup("release", 4, tmp_path / "backup")
    for path in (tmp_path / "keys" / "release.key", tmp_path / "backup"):
        assert path.stat().st_mode & 0o077 == 0


def _sign_often(folder: Path, marks: Path, answers: "multiprocessing.Queue[int]") -> None:
    keys = KeyFolder(folder, marks)
    for _ in range(6):
        answers.put(leaf_of(keys.sign("release", b"message")))


@pytest.mark.parametrize("copies", [1, 4])
def test_several_processes_at_once_share_no_leaf(
    keys: KeyFolder, tmp_path: Path, copies: int
) -> None:
    folders = [keys.folder, *(tmp_path / f"copy {number}" for number in range(1, copies))]
    for folder in folders[1:]:
        shutil.copytree(keys.folder, folder)
    spawn = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[int] = spawn.Queue()
    signers = [
        spawn.Process(
            target=_sign_often, args=(folders[number % copies], tmp_path / "marks", answers)
        )
        for number in range(4)
    ]
    for signer in signers:
        signer.start()
    used = [answers.get(timeout=60) for _ in range(24)]
    for signer in signers:
        signer.join()
    assert sorted(used) == list(range(24))


def test_git_leaves_the_keys_alone(keys: KeyFolder, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    keys.backup("release", 4, tmp_path / "keys" / "backup")
    seen = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain", "--untracked-files=all"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "keys/" not in seen and "marks/" in seen


def test_the_id_of_a_key_is_of_the_key_itself(keys: KeyFolder) -> None:
    assert key_id(keys.public("release")) == sha256(keys.public("release")).digest()[:8]
