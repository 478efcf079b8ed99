"""A key that takes another's place, though the power goes, leaves run out or a root is lost."""

import copy
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release.trust import ROLE_RELEASE, ROLE_ROOT, ROLE_TIMESTAMP
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.procedures import Office
from cma_toolkit.host_tools.release.repository import Repository
from support.model_disk import ModelDisk, PowerCutError
from support.release_office import (
    ONE_EACH,
    Clock,
    Fleet,
    begun_in,
    make,
    office_in,
    published,
    refusal,
)
from support.release_signers import SMALL


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return begun_in(tmp_path, Clock())


def office_on(disk: ModelDisk) -> Office:
    keys = KeyFolder(Path("keys"), Path("marks"), disk)
    return Office(keys, Repository(Path("release"), disk), Clock(), SMALL)


def begun(disk: ModelDisk) -> Office:
    made = office_on(disk)
    made.begin(ONE_EACH)
    return made


def lose_root(office: Office, version: int) -> bytes:
    path = office.repository.root_path(version)
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.parametrize("role", [ROLE_ROOT, ROLE_RELEASE, ROLE_TIMESTAMP])
def test_a_rotation_is_done_again_wherever_the_power_went(role: int) -> None:
    name, cut, is_whole = ("root", "release", "timestamp")[role], 0, False
    before = ModelDisk()
    published(begun(before), 1)
    while not is_whole:
        disk = copy.deepcopy(before)
        office = office_on(disk)
        fleet = Fleet(office)
        disk.steps_left = cut
        try:
            office.rotate(role, office.keys.public(name))
            is_whole, disk.steps_left = True, -1
        except PowerCutError:
            disk.start_again(keeps=cut % 2 == 0)
        if office.repository.roots() == [1]:
            made, signed = office.rotate(role, office.keys.public(name))
            assert made == f"{name}-v2" and signed.is_enough
        assert office.repository.roots() == [1, 2]
        assert fleet.read(published(office, 2)) == [0]
        cut += 1
    assert cut > 20


def test_a_root_without_a_leaf_makes_no_key(office: Office, tmp_path: Path) -> None:
    office.keys.backup("root", 30, tmp_path / "away")
    office.keys.sign("root", b"the last")
    said = refusal(
        ExitCode.USAGE, lambda: office.rotate(ROLE_RELEASE, office.keys.public("release"))
    )
    assert "role root that can still sign" in said and "cma release restore" in said
    assert office.keys.names() == ["release", "root", "timestamp"]
    office.keys.restore(tmp_path / "away")
    assert office.rotate(ROLE_RELEASE, office.keys.public("release"))[1].is_enough


def test_a_key_that_is_used_up_leaves_its_place_to_another(tmp_path: Path) -> None:
    office = office_in(tmp_path, Clock())
    office.begin({**ONE_EACH, "root": (1, 2)})
    office.keys.backup("root-1", 30, tmp_path / "away")
    office.keys.sign("root-1", b"the last")
    assert office.rotate(ROLE_ROOT, office.keys.public("root-1"))[1].is_enough
    assert office.keys.left("root-2") == 31
    office.keys.backup("release", 31, tmp_path / "more")
    office.sign_release(make(1))
    assert "no signature left" in refusal(ExitCode.REFUSED, lambda: office.sign_release(make(2)))


def test_boards_that_have_a_root_which_was_lost_go_on_with_its_key(office: Office) -> None:
    fleet = Fleet(office)
    assert fleet.read(published(office, 1)) == [0]
    office.rotate(ROLE_RELEASE, office.keys.public("release"))
    assert fleet.read(published(office, 2)) == [0] and fleet.trust.root.version == 2
    office.repository.root_path(2).unlink()
    office.rotate(ROLE_RELEASE, office.keys.public("release"))
    assert fleet.read(published(office, 3)) == [0]
    office.rotate(ROLE_RELEASE, office.keys.public("release-v2"))
    assert fleet.read(published(office, 4)) == [0] and fleet.trust.root.version == 3


def test_nothing_is_said_while_a_root_is_missing(office: Office) -> None:
    release = published(office, 1)
    office.rotate(ROLE_TIMESTAMP, office.keys.public("timestamp"))
    data, left = lose_root(office, 2), office.keys.left("timestamp")
    for call in (
        office.refresh,
        lambda: office.publish(release),
        lambda: office.rotate(ROLE_RELEASE, office.keys.public("release")),
    ):
        said = refusal(ExitCode.REFUSED, call)
        assert "names" in said and "timestamp-v2.key: put the root that does back" in said
    assert office.keys.left("timestamp") == left and "release-v2" not in office.keys.names()
    office.repository.root_path(2).write_bytes(data)
    office.refresh()
    office.rotate(ROLE_RELEASE, office.keys.public("release"))
    lose_root(office, 2)
    said = refusal(ExitCode.REFUSED, office.refresh)
    assert "root.2.cbor is missing: put it back" in said
    assert Fleet(office).trust.root.version == 1
