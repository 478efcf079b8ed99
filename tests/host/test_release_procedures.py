"""From keys to what is published: each step, and what it refuses."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release.index import image_digest
from cma_toolkit.firmware.kernel.release.manifest import NUMBER_MAX, Manifest, to_bytes
from cma_toolkit.firmware.kernel.release.trust import ROLE_RELEASE, ROLE_ROOT, ROLE_TIMESTAMP
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release import artefact, documents
from cma_toolkit.host_tools.release.artefact import Numbers, Release
from cma_toolkit.host_tools.release.documents import key_id
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.procedures import DAY_S, Office
from cma_toolkit.host_tools.release.repository import Repository
from support.model_disk import ModelDisk, PowerCutError
from support.release_office import (
    AS_SHIPPED,
    ONE_EACH,
    Clock,
    Fleet,
    begun_in,
    image,
    make,
    office_in,
    published,
    refusal,
)
from support.release_signers import SMALL


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Office:
    return begun_in(tmp_path, clock)


def test_a_board_takes_what_was_created_signed_and_published(office: Office) -> None:
    release = published(office, 1, security_counter=2, battery_mv=3_600)
    fleet = Fleet(office)
    assert fleet.read(release) == [0]
    manifest = fleet.trust.manifest
    assert manifest and manifest.digest == image_digest(image().data)
    assert (manifest.security_counter, manifest.battery_mv) == (2, 3_600)
    assert fleet.read(published(office, 2, security_counter=2)) == [0]


def test_the_same_images_and_numbers_give_the_same_bytes(office: Office) -> None:
    assert make(1).to_bytes() == make(1).to_bytes()
    once, again = (office.sign_release(make(1))[0] for _ in range(2))
    assert once.to_bytes() != again.to_bytes() and once.digest == again.digest == make(1).digest


def test_each_family_of_chips_has_its_image_and_manifest(office: Office) -> None:
    images = [image("a", "xtensawin"), image("b", "rv32imc")]
    release, _ = office.sign_release(artefact.make("greenhouse", images, "6.3", Numbers(1)))
    office.publish(release)
    other_class = 7
    assert Fleet(office).read(release, architecture="rv32imc") == [other_class, 0]
    assert artefact.read(release.to_bytes(), "") == release


def test_a_file_that_was_changed_anywhere_is_refused(tmp_path: Path) -> None:
    data = make(1).to_bytes()
    assert artefact.read(data, "x") == make(1)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        assert "cma release create" in refusal(
            ExitCode.REFUSED, lambda changed=changed: artefact.read(bytes(changed), "x")
        )
        if at % 7 == 0:
            refusal(ExitCode.REFUSED, lambda at=at: artefact.read(data[:at], "x"))
    refusal(ExitCode.REFUSED, lambda: artefact.read(data + b"\0", "x"))


@pytest.mark.parametrize(
    "numbers",
    [Numbers(NUMBER_MAX + 1), Numbers(-1), Numbers(1, battery_mv=-1), Numbers(3, after=3)],
)
def test_numbers_that_boards_cannot_count_are_refused(numbers: Numbers) -> None:
    refusal(ExitCode.USAGE, lambda: artefact.make("greenhouse", [image()], "6.3", numbers))


def test_a_name_that_no_file_should_have_is_refused() -> None:
    for name in ("../x", "", "my app", "x" * 32):
        said = refusal(
            ExitCode.USAGE, lambda name=name: artefact.make(name, [image()], "6.3", Numbers(1))
        )
        assert "letters" in said


def test_what_boards_would_refuse_is_not_published(office: Office) -> None:
    left = office.keys.left("timestamp")
    assert "cma release sign" in refusal(ExitCode.REFUSED, lambda: office.publish(make(1)))
    assert office.keys.left("timestamp") == left
    published(office, 2)
    for sequence, counter in ((1, 0), (2, 9)):
        release, _ = office.sign_release(make(sequence, security_counter=counter))
        assert "not newer" in refusal(
            ExitCode.REFUSED, lambda release=release: office.publish(release)
        )
    published(office, 3, security_counter=5)
    release, _ = office.sign_release(make(4, security_counter=4))
    assert "counter" in refusal(ExitCode.REFUSED, lambda: office.publish(release))


def test_a_release_that_needs_an_earlier_one_may_be_published(office: Office) -> None:
    release = published(office, 5, after=4)
    needs_another = 10
    assert Fleet(office).read(release) == [needs_another]


def test_the_same_release_is_published_again_after_a_power_cut(office: Office) -> None:
    disk = ModelDisk()
    whole = Office(office.keys, Repository(Path("release"), disk), office.clock, SMALL)
    root = office.repository.read(office.repository.root_path(1))
    whole.repository.write(whole.repository.root_path(1), root)
    release, _ = whole.sign_release(make(1))
    start = disk.steps
    whole.publish(release)
    for cut in range(disk.steps - start):
        disk.remove(Path("release"))
        whole.repository.write(whole.repository.root_path(1), root)
        disk.steps_left = cut
        with pytest.raises(PowerCutError):
            whole.publish(release)
        disk.start_again(keeps=cut % 2 == 0)
        there = [part.digest for one in whole.repository.published() for part in one.parts]
        assert set(whole.repository.trust().current) <= set(there)
        whole.publish(release)
        assert Fleet(whole).read(release) == [0]


def test_what_is_current_expires_unless_somebody_says_so_again(
    office: Office, clock: Clock
) -> None:
    assert "published" in refusal(ExitCode.USAGE, office.refresh)
    release, fleet = published(office, 1), Fleet(office)
    clock.now_s += 31 * DAY_S
    expired = 4
    stamp = office.repository.read(office.repository.folder / "timestamp.cbor")
    assert fleet.trust.on_timestamp(stamp, int(clock.now_s)) == expired
    assert office.refresh() == release
    assert fleet.read(release, int(clock.now_s)) == [0]
    published(office, 2)


def test_an_expired_root_is_renewed_by_a_rotation(office: Office, clock: Clock) -> None:
    release, fleet = published(office, 1), Fleet(office)
    clock.now_s += 800 * DAY_S
    assert "cma release rotate" in refusal(ExitCode.REFUSED, office.refresh)
    office.rotate(ROLE_ROOT, office.keys.public("root"))
    office.refresh()
    assert fleet.read(release, int(clock.now_s)) == [0]


def test_a_new_release_key_voids_the_old_one(office: Office) -> None:
    fleet = Fleet(office)
    assert fleet.read(published(office, 1, security_counter=4)) == [0]
    name, signed = office.rotate(ROLE_RELEASE, office.keys.public("release"))
    assert signed.is_enough and name == "release-v2"
    root = office.repository.newest_root()
    assert (root.sequence, root.security_counter) == (1, 4)  # numbers go on, whoever signs
    assert "sign" in refusal(ExitCode.REFUSED, office.refresh)
    release = published(office, 2, security_counter=4)
    assert key_id(office.keys.public(name)) in release.parts[0].envelope
    assert fleet.read(release) == [0]


@pytest.mark.parametrize("role", [ROLE_ROOT, ROLE_TIMESTAMP])
def test_other_new_keys_leave_a_release_good_for_new_boards(office: Office, role: int) -> None:
    release = published(office, 1, security_counter=4)
    office.rotate(role, office.keys.public(("root", "release", "timestamp")[role]))
    office.refresh()
    assert Fleet(office, 2).read(release) == [0]


@pytest.mark.parametrize("role", [ROLE_ROOT, ROLE_RELEASE, ROLE_TIMESTAMP])
def test_every_key_may_be_replaced_again_and_again(office: Office, role: int) -> None:
    fleet, name = Fleet(office), ("root", "release", "timestamp")[role]
    for sequence in range(1, 4):
        assert fleet.read(published(office, sequence)) == [0]
        name, signed = office.rotate(role, office.keys.public(name))
        assert signed.is_enough
    assert fleet.read(published(office, 9)) == [0]


def test_a_key_of_another_role_is_not_replaced(office: Office) -> None:
    assert "role release" in refusal(
        ExitCode.USAGE, lambda: office.rotate(ROLE_RELEASE, office.keys.public("root"))
    )
    assert office.repository.roots() == [1]


def test_two_of_three_keys_sign_on_two_computers(tmp_path: Path, clock: Clock) -> None:
    here, there = (
        office_in(tmp_path, clock, name, parameters=AS_SHIPPED) for name in ("here", "there")
    )
    here.begin({"root": (2, 3), "release": (2, 2), "timestamp": (1, 1)})
    for name in ("root-2", "release-2"):
        here.keys.backup(name, 8, tmp_path / name)
        there.keys.restore(tmp_path / name)
        for path in (tmp_path / "here" / "keys").glob(name + ".*"):
            path.unlink()
    for path in (tmp_path / "here" / "keys").glob("root-3.*"):
        path.unlink()  # lost
    release, signed = here.sign_release(make(1))
    assert (signed.count, signed.threshold, signed.is_enough) == (1, 2, False)
    refusal(ExitCode.REFUSED, lambda: here.publish(release))
    release, signed = there.sign_release(release)
    assert signed.is_enough
    here.publish(release)
    fleet = Fleet(here)
    assert fleet.read(release) == [0]
    lost = here.repository.newest_root().roles[ROLE_ROOT][1][2]
    _, signed = here.rotate(ROLE_ROOT, lost)
    assert not signed.is_enough
    assert "cma release sign" in refusal(ExitCode.REFUSED, here.refresh)
    assert there.sign_root().is_enough
    here.refresh()
    assert fleet.read(release)[0] == 3  # it runs already: not newer


def test_signatures_of_nobody_and_bad_ones_are_left_out(office: Office) -> None:
    release, _ = office.sign_release(make(1))
    left = office.keys.left("release")
    assert office.sign_release(release)[0] == release and office.keys.left("release") == left
    envelope = bytearray(release.parts[0].envelope)
    envelope[200] ^= 1
    spoilt = release.with_envelopes([bytes(envelope)])
    mended, signed = office.sign_release(spoilt)
    assert signed.is_enough and office.keys.left("release") == left - 1
    office.publish(mended)


def test_no_more_keys_sign_than_are_asked_for(tmp_path: Path, clock: Clock) -> None:
    office = office_in(tmp_path, clock)
    office.begin({**ONE_EACH, "release": (1, 2)})
    office.sign_release(make(1))
    assert (office.keys.left("release-1"), office.keys.left("release-2")) == (31, 32)


def test_a_timestamp_takes_all_its_keys(tmp_path: Path, clock: Clock) -> None:
    office = office_in(tmp_path, clock, parameters=AS_SHIPPED)
    office.begin({**ONE_EACH, "timestamp": (2, 2)})
    release, _ = office.sign_release(make(1))
    (tmp_path / "here" / "keys" / "timestamp-2.key").unlink()
    assert "takes 2 keys" in refusal(ExitCode.REFUSED, lambda: office.publish(release))


def test_a_release_is_signed_when_each_of_its_parts_is(tmp_path: Path, clock: Clock) -> None:
    here = office_in(tmp_path, clock, parameters=AS_SHIPPED)
    here.begin({**ONE_EACH, "release": (2, 2)})
    images = [image("a", "xtensawin"), image("b", "rv32imc")]
    bare = artefact.make("greenhouse", images, "6.3", Numbers(1))
    whole, _ = here.sign_release(bare)
    (tmp_path / "here" / "keys" / "release-2.key").unlink()
    for pair in ((whole, bare), (bare, whole)):
        mixed = bare.with_envelopes([pair[i].parts[i].envelope for i in range(2)])
        assert here.sign_release(mixed)[1].count == 1


def test_a_root_needs_its_own_keys_as_well(office: Office, tmp_path: Path) -> None:
    office.rotate(ROLE_ROOT, office.keys.public("root"))
    path = office.repository.root_path(2)
    payload, _ = documents.open_envelope(path.read_bytes())
    path.write_bytes(documents.envelope(payload))
    (tmp_path / "here" / "keys" / "root-v2.key").unlink()
    assert not office.sign_root().is_enough
    (tmp_path / "here" / "keys" / "root.key").unlink()
    path.write_bytes(documents.envelope(payload))
    assert "no key of that role" in refusal(ExitCode.USAGE, office.sign_root)


def test_parts_that_do_not_belong_together_are_no_release() -> None:
    part, other = make(1).parts[0], make(2).parts[0]
    wrong = Manifest(1, part.manifest.class_id, part.manifest.digest, len(part.image) + 1)
    longer = replace(part, envelope=documents.envelope(to_bytes(wrong)))
    for parts in ((part, other), (part,) * 9, (), (longer,)):
        release = Release("greenhouse", parts)
        refusal(ExitCode.REFUSED, lambda release=release: artefact.read(release.to_bytes(), "x"))
    artefact.read(Release("greenhouse", (part,) * 8).to_bytes(), "x")


def test_a_beginning_is_made_once(office: Office, tmp_path: Path) -> None:
    assert "rotate" in refusal(ExitCode.USAGE, lambda: office.begin(ONE_EACH))
    shutil.rmtree(tmp_path / "release")
    assert "already" in refusal(ExitCode.USAGE, lambda: office.begin(ONE_EACH))
    assert "init" in refusal(ExitCode.USAGE, lambda: office.sign_release(make(1)))


def test_a_root_that_somebody_changed_is_not_built_upon(office: Office) -> None:
    office.rotate(ROLE_RELEASE, office.keys.public("release"))
    path = office.repository.root_path(2)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "not to be trusted" in refusal(ExitCode.REFUSED, lambda: office.sign_release(make(1)))


def test_no_key_of_the_role_is_said(office: Office, tmp_path: Path) -> None:
    there = replace(office, keys=KeyFolder(tmp_path / "empty", tmp_path / "marks"))
    assert "no key of that role" in refusal(ExitCode.USAGE, lambda: there.sign_release(make(1)))
    assert "role root" in refusal(
        ExitCode.USAGE, lambda: there.rotate(ROLE_ROOT, office.keys.public("root"))
    )
