"""What a board believes of whom: the attacks on documents, each by its name."""

import pytest

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.manifest import (
    NUMBER_MAX,
)
from cma_toolkit.host_tools.release import documents
from support.release_board import (
    FIRST,
    RELEASE,
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
    DIGEST,
    LATER_S,
    NOW_S,
    manifest,
    role,
    signed,
)


def test_a_good_release_is_taken_with_what_it_says() -> None:
    handed = Handed()
    assert handed.release(manifest(3, battery_mv=3_600, security_counter=2)) == 0
    taken = handed.trust.manifest
    assert taken and (taken.sequence, taken.security_counter, taken.digest) == (3, 2, DIGEST)


def test_what_was_not_confirmed_holds_nothing_up() -> None:
    handed = Handed()
    assert handed.release(manifest(9)) == 0
    assert handed.release(manifest(2)) == 0


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


def test_other_timestamp_keys_void_a_time_that_a_thief_claimed() -> None:
    handed = Handed()
    far = documents.timestamp(NUMBER_MAX, LATER_S - 1, LATER_S, [])
    assert handed.trust.on_timestamp(signed(far, [TIMESTAMP]), NOW_S) == 0
    root = next_root(roles={**FIRST.roles, "timestamp": role(1, THIEF)})
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    payload = manifest()
    assert handed.current(payload, signer=THIEF) == 0
    assert handed.take(signed(payload, [RELEASE])) == 0


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
