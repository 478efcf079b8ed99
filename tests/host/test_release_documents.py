"""What a board believes of whom: the attacks on documents, each by its name."""

from dataclasses import replace

import pytest

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.manifest import (
    NUMBER_MAX,
)
from cma_toolkit.firmware.kernel.release.refusals import RefusedError
from cma_toolkit.firmware.kernel.release.trust import Root
from cma_toolkit.host_tools.release import documents
from support.release_board import (
    FIRST,
    RELEASE,
    RELEASE_2,
    ROOT,
    ROOT_2,
    SLOT_BYTES,
    THIEF,
    TIMESTAMP,
    Handed,
    hand_root,
    next_root,
)
from support.release_signers import (
    DAY_S,
    DIGEST,
    LATER_S,
    NOW_S,
    Signer,
    manifest,
    role,
    signed,
)


def test_a_good_release_is_taken_with_what_it_says() -> None:
    handed = Handed()
    assert handed.release(manifest(3, battery_mv=3_600, security_counter=2)) == 0
    taken = handed.trust.manifest
    assert taken and (taken.sequence, taken.security_counter, taken.digest) == (3, 2, DIGEST)


def test_class_01_unsigned() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    assert handed.take(documents.envelope(payload)) == refusals.REFUSED_UNSIGNED


def test_class_02_unknown_key() -> None:
    assert Handed().release(manifest(), THIEF) == refusals.REFUSED_UNSIGNED


@pytest.mark.parametrize("signer", [ROOT, TIMESTAMP])
def test_class_03_valid_key_of_another_role(signer: Signer) -> None:
    assert Handed().release(manifest(), signer) == refusals.REFUSED_UNSIGNED


def test_class_03_a_document_of_another_kind_by_a_key_of_both_roles() -> None:
    both = replace(FIRST, roles={**FIRST.roles, "timestamp": role(1, RELEASE)})
    handed = Handed(both)
    said = documents.timestamp(1, NOW_S, LATER_S, [])
    assert handed.current(said, signer=RELEASE) == 0
    assert handed.take(signed(said, [RELEASE])) == refusals.REFUSED_MALFORMED


def test_class_10_and_11_lower_and_same_sequence() -> None:
    handed = Handed()
    assert handed.release(manifest(5)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(4)) == refusals.REFUSED_VERSION
    assert handed.release(manifest(5)) == refusals.REFUSED_VERSION
    assert handed.release(manifest(6)) == 0


def test_what_was_not_confirmed_holds_nothing_up() -> None:
    handed = Handed()
    assert handed.release(manifest(9)) == 0
    assert handed.release(manifest(2)) == 0


def test_class_12_lower_security_counter() -> None:
    handed = Handed()
    assert handed.release(manifest(5, security_counter=3)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(6, security_counter=2)) == refusals.REFUSED_COUNTER
    assert handed.release(manifest(6, security_counter=3)) == 0


def test_class_14_other_release_keys_void_a_fast_forward() -> None:
    handed = Handed()
    assert handed.release(manifest(NUMBER_MAX, security_counter=NUMBER_MAX)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    roles = {**FIRST.roles, "release": role(1, RELEASE_2)}
    root = next_root(roles=roles, sequence=5, security_counter=2)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    assert handed.trust.manifest is None  # not to be confirmed any more
    assert handed.release(manifest(6, security_counter=2), RELEASE) == refusals.REFUSED_UNSIGNED
    assert handed.release(manifest(5, security_counter=2), RELEASE_2) == refusals.REFUSED_VERSION
    assert handed.release(manifest(6, security_counter=1), RELEASE_2) == refusals.REFUSED_COUNTER
    assert handed.release(manifest(6, security_counter=2), RELEASE_2) == 0


def test_class_15_expired() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data, NOW_S + 7 * DAY_S) == 0
    assert handed.take(data, NOW_S + 7 * DAY_S + 1) == refusals.REFUSED_EXPIRED
    late = NOW_S + 8 * DAY_S
    said = documents.timestamp(9, NOW_S, NOW_S + DAY_S, [])
    assert handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late) == refusals.REFUSED_EXPIRED


def test_class_16_and_17_the_clock_is_not_set_or_turned_back() -> None:
    handed, payload = Handed(), manifest()
    old = documents.timestamp(1, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    assert handed.trust.on_timestamp(signed(old, [TIMESTAMP])) == 0
    assert handed.take(signed(payload, [RELEASE]), 0) == 0
    new = documents.timestamp(2, NOW_S + 2 * DAY_S, NOW_S + 3 * DAY_S, [])
    assert handed.trust.on_timestamp(signed(new, [TIMESTAMP])) == 0
    # What was signed since says how late it is, whatever the clock says.
    third = documents.timestamp(3, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    for now_s in (0, NOW_S):
        answer = handed.trust.on_timestamp(signed(third, [TIMESTAMP]), now_s)
        assert answer == refusals.REFUSED_EXPIRED


def test_what_was_signed_says_how_late_it_is_and_time_never_goes_back() -> None:
    trust = Handed().trust
    said = [
        documents.timestamp(1, NOW_S + 9, NOW_S + 8, []),  # expired when it was signed
        documents.timestamp(1, NOW_S + 9, NOW_S + 99, []),
        documents.timestamp(2, NOW_S, NOW_S + 99, []),
        documents.timestamp(3, NOW_S, NOW_S + 8, []),
    ]
    answers = [trust.on_timestamp(signed(one, [TIMESTAMP]), NOW_S) for one in said]
    assert answers == [refusals.REFUSED_EXPIRED, 0, 0, refusals.REFUSED_EXPIRED]


def test_an_older_timestamp_is_not_taken_again() -> None:
    handed, payload = Handed(), manifest()
    said = [
        signed(documents.timestamp(version, NOW_S, LATER_S, [digest]), [TIMESTAMP])
        for version, digest in ((1, bytes(32)), (2, documents.digest_of(payload)), (2, bytes(32)))
    ]
    answers = [handed.trust.on_timestamp(said[i], NOW_S) for i in (0, 1, 0, 2, 1)]
    wrong = refusals.REFUSED_VERSION
    assert answers == [0, 0, wrong, wrong, 0]
    assert handed.take(signed(payload, [RELEASE])) == 0


def test_class_19_and_20_what_the_timestamp_does_not_name() -> None:
    handed = Handed()
    assert handed.current(manifest(2)) == 0
    assert handed.take(signed(manifest(1), [RELEASE])) == refusals.REFUSED_UNLISTED
    assert Handed().take(signed(manifest(1), [RELEASE]), 0) == refusals.REFUSED_UNLISTED


def test_class_21_other_device_class() -> None:
    assert Handed().release(manifest(class_id=bytes(16))) == refusals.REFUSED_CLASS


def test_class_27_fewer_than_the_threshold() -> None:
    two = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE_2)})
    assert Handed(two).release(manifest(), RELEASE) == refusals.REFUSED_UNSIGNED
    assert Handed(two).release(manifest(), RELEASE, THIEF) == refusals.REFUSED_UNSIGNED
    assert Handed(two).release(manifest(), RELEASE_2, RELEASE) == 0


def test_class_28_one_key_twice_is_one() -> None:
    two = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE_2)})
    assert Handed(two).release(manifest(), RELEASE, RELEASE) == refusals.REFUSED_MALFORMED
    twice = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE)})
    with pytest.raises(RefusedError):
        Root(twice.to_bytes())
    # Under another id the same signature is nobody's.
    handed, payload = Handed(two), manifest()
    assert handed.current(payload) == 0
    own = RELEASE.sign(payload)
    data = documents.envelope(payload, [own, (RELEASE_2.id, own[1])])
    assert handed.take(data) == refusals.REFUSED_UNSIGNED


def test_class_29_a_chain_of_roots_is_followed() -> None:
    handed = Handed()
    second = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    assert hand_root(handed.trust, second, ROOT, ROOT_2, THIEF) == 0
    third = next_root(second, roles={**FIRST.roles, "release": role(1, RELEASE_2)})
    assert hand_root(handed.trust, third, ROOT, ROOT_2) == refusals.REFUSED_UNSIGNED
    assert hand_root(handed.trust, third, ROOT, ROOT_2, THIEF) == 0
    assert handed.release(manifest(), RELEASE_2) == 0


@pytest.mark.parametrize("version", [0, 1, 3])
def test_class_30_a_root_version_skipped_or_again(version: int) -> None:
    root = replace(FIRST, version=version)
    assert hand_root(Handed().trust, root, ROOT, ROOT_2) == refusals.REFUSED_VERSION


def test_class_31_a_new_root_signed_by_the_new_key_only() -> None:
    root = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    for signers in ([THIEF], [THIEF, ROOT]):
        assert hand_root(Handed().trust, root, *signers) == refusals.REFUSED_UNSIGNED
    # And by the old ones only: nobody showed that the new key exists.
    assert hand_root(Handed().trust, root, ROOT, ROOT_2) == refusals.REFUSED_UNSIGNED


def test_class_32_an_expired_root() -> None:
    handed, payload = Handed(), manifest()
    late = LATER_S + 1
    digests = [documents.digest_of(payload)]
    said = documents.timestamp(1, late, late + DAY_S, digests)
    answer = handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late)
    assert answer == refusals.REFUSED_EXPIRED
    root = next_root(expires_s=late + DAY_S)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    assert handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late) == 0
    assert handed.take(signed(payload, [RELEASE]), late) == 0


def test_other_timestamp_keys_void_a_time_that_a_thief_claimed() -> None:
    handed = Handed()
    far = documents.timestamp(NUMBER_MAX, LATER_S - 1, LATER_S, [])
    assert handed.trust.on_timestamp(signed(far, [TIMESTAMP]), NOW_S) == 0
    root = next_root(roles={**FIRST.roles, "timestamp": role(1, THIEF)})
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    payload = manifest()
    assert handed.current(payload, signer=THIEF) == 0
    assert handed.take(signed(payload, [RELEASE])) == 0


def test_class_35_an_earlier_release_is_missing() -> None:
    handed = Handed()
    assert handed.release(manifest(3, after=1)) == refusals.REFUSED_DEPENDENCY
    assert handed.release(manifest(1)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(3, after=1)) == 0


@pytest.mark.parametrize("mpy", [6 << 8 | 4, 7 << 8 | 3, 5 << 8 | 3, 0])
def test_class_51_compiled_for_another_micropython(mpy: int) -> None:
    assert Handed().release(manifest(mpy=mpy)) == refusals.REFUSED_RUNTIME


def test_an_earlier_sub_version_of_the_same_format_is_loaded() -> None:
    assert Handed().release(manifest(mpy=6 << 8 | 1)) == 0


def test_class_65_an_image_larger_than_a_slot() -> None:
    assert Handed().release(manifest(size_bytes=SLOT_BYTES)) == 0
    assert Handed().release(manifest(size_bytes=SLOT_BYTES + 1)) == refusals.REFUSED_SIZE
    assert Handed().release(manifest(size_bytes=0)) == refusals.REFUSED_SIZE


def test_class_79_a_low_battery_refuses() -> None:
    handed = Handed()
    for battery_mv, answer in ((3_599, refusals.REFUSED_BATTERY), (3_600, 0), (0, 0)):
        handed.board.battery_mv = battery_mv
        assert handed.release(manifest(battery_mv=3_600)) == answer
