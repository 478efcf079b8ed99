"""The short form of the figure `cbor_fuzz`; `make soak` runs the long one."""

from pathlib import Path

import cbor2
import pytest

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.limits import CBOR_BIGNUM_BYTES_MAX, CBOR_DEPTH_MAX
from support import cbor_fuzz

INPUTS = 20_000
SEED = 1000


def test_both_runtimes_read_what_cbor2_reads() -> None:
    report = cbor_fuzz.fuzz(SEED, INPUTS)
    assert report.told == []
    assert report.inputs == INPUTS
    assert INPUTS // 3 < report.taken < 2 * INPUTS // 3


def test_frames_that_claim_more_than_they_hold_need_no_heap() -> None:
    report = cbor_fuzz.refuse_claims(SEED, 1000)
    assert report.told == []


def test_a_hundred_thousand_levels_are_refused_like_nine(tmp_path: Path) -> None:
    report = cbor_fuzz.Report()
    bombs = [
        bytes.fromhex(opened) * 100_000 for opened in ("81", "9f", "a100", "bf00", "c1", "c2")
    ]
    cbor_fuzz.replay(tmp_path, bombs, [cbor_fuzz.outcome(bomb, report) for bomb in bombs], report)
    assert report.told == []
    assert (report.inputs, report.taken) == (len(bombs), 0)


def test_the_profile_is_judged_by_the_limits_of_the_kernel() -> None:
    assert (cbor_fuzz.DEPTH_MAX, cbor_fuzz.BIGNUM_BYTES_MAX) == (
        CBOR_DEPTH_MAX,
        CBOR_BIGNUM_BYTES_MAX,
    )


def test_no_tag_has_a_meaning_that_the_comparison_misses() -> None:
    for number in range(70_000):
        head = cbor2.dumps(cbor2.CBORTag(number, 0))[:-1]
        if number in (2, 3) or number in cbor_fuzz.REFERENCES:
            continue
        for inner in (b"\x00", b"\x80", b"\x60"):
            assert type(cbor2.loads(head + inner, semantic_decoders=cbor_fuzz.AS_TAGS)) is (
                cbor2.CBORTag
            ), number


@pytest.mark.parametrize(
    "wrong",
    [
        "81" * 9 + "00",
        "c25841" + "ff" * 65,
        "d81c00",
        "a1f500",
        "a2416100616100",
        "0000",
    ],
)
def test_what_the_profile_leaves_out_is_found_without_the_kernel(wrong: str) -> None:
    data = bytes.fromhex(wrong)
    with pytest.raises(cbor_fuzz.OutsideError):
        cbor_fuzz.reference(data)
    with pytest.raises(cbor.CborError):
        cbor.decode_any(data)
