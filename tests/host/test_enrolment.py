"""Which keys and which certificate a board shall have: every state of board and record."""

import re
from dataclasses import replace

import pytest

from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.secure.entropy import HARDWARE_BYTES, JITTER_COUNT
from cma_toolkit.firmware.kernel.secure.identity import Identity
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.enrolments import DONE, REVOKED, STARTED, Enrolment
from cma_toolkit.host_tools.provision.actual import Kept
from cma_toolkit.host_tools.provision.enrolment import (
    DAY_S,
    Keys,
    Wanted,
    next_step,
    replacement,
)
from cma_toolkit.host_tools.secure.authority import Facts
from support.enrolled import SCRIPTS, own_keys

MAC, OTHER = "a4:cf:12:00:00:01", "a4:cf:12:00:00:02"
NOW_S = 1_800_000_000
AUTHORITY = Facts(b"\x01" * 32, epoch=2, former=(b"\x09" * 32,))
WISH = Wanted(MAC, network=7, roles=14, valid_s=100 * DAY_S)
RECORD = Enrolment(
    mac=MAC,
    node=WISH.node,
    network=7,
    roles=14,
    epoch=2,
    expires_s=NOW_S + 100 * DAY_S,
    public=b"\x02" * 32,
    signer=b"\x03" * 32,
    certificate=b"certificate",
    state=DONE,
)
KEPT = Kept(RECORD.public, RECORD.signer, AUTHORITY.public, RECORD.certificate)
BLANK = Kept()


def keys_of(kept: Kept, *records: Enrolment, wish: Wanted = WISH) -> str:
    step = next_step(kept, records, wish, AUTHORITY, NOW_S)
    return f"{step.keys.value}: {step.why}" if step else ""


def code_of(kept: Kept, *records: Enrolment) -> ExitCode:
    with pytest.raises(CmaError) as caught:
        next_step(kept, records, WISH, AUTHORITY, NOW_S)
    assert "--replace" in caught.value.message or "another fleet" in caught.value.message
    return caught.value.code


def test_a_blank_board_makes_keys_and_an_enrolled_one_needs_nothing() -> None:
    assert keys_of(BLANK) == "kept: "
    assert next_step(BLANK, (), WISH, None, NOW_S), "before there is an authority, too"
    assert keys_of(KEPT, RECORD) == ""


def test_what_was_cut_off_goes_on_with_the_keys_that_were_made() -> None:
    made = Kept(fresh_signer=RECORD.signer)
    assert keys_of(made) == "kept: ", "made, but not told: the board takes them by itself"
    assert keys_of(made, replace(RECORD, state=STARTED)) == "fresh: cut off in between"
    between = replace(KEPT, signer=b"\x08" * 32, fresh_signer=RECORD.signer)
    assert keys_of(between, replace(RECORD, state=STARTED)) == "fresh: cut off in between"
    assert keys_of(KEPT, replace(RECORD, state=STARTED)) == "kept: cut off in between"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"certificate": b"older"}, "cut off in between"),
        ({"epoch": 1}, "of epoch 1"),
        ({"network": 8}, "of another network"),
        ({"roles": 1}, "with other roles"),
        ({"expires_s": NOW_S + 10 * DAY_S - 1}, "runs out"),
    ],
)
def test_a_certificate_that_says_something_else_is_made_anew(
    changed: dict[str, bytes | int], why: str
) -> None:
    record = replace(RECORD, **changed)  # type: ignore[arg-type]
    assert keys_of(KEPT, record) == f"kept: {why}"
    assert keys_of(KEPT, replace(RECORD, expires_s=NOW_S + 10 * DAY_S)) == ""


def test_a_certificate_by_an_earlier_key_of_the_authority_is_made_anew() -> None:
    older = replace(KEPT, authority=AUTHORITY.former[0])
    assert keys_of(older, RECORD) == "kept: by another key of the authority"
    assert keys_of(older) == "kept: not on record"


def test_another_key_than_that_on_record_is_never_taken_in_silence() -> None:
    for kept in (
        BLANK,
        replace(KEPT, signer=b"\x08" * 32),
        replace(KEPT, public=b"\x08" * 32),
        Kept(fresh_signer=b"\x08" * 32),
    ):
        assert code_of(kept, RECORD) is ExitCode.REFUSED
        assert code_of(kept, replace(RECORD, state=STARTED)) is ExitCode.REFUSED


def test_a_copied_flash_a_taken_node_and_a_revoked_board_are_refused() -> None:
    theirs = replace(RECORD, mac=OTHER, node=node_id(b"other"))
    assert code_of(KEPT, theirs) is ExitCode.REFUSED
    assert code_of(Kept(fresh_signer=RECORD.signer), theirs) is ExitCode.REFUSED
    taken = replace(RECORD, mac=OTHER, signer=b"\x05" * 32)
    assert code_of(BLANK, taken) is ExitCode.REFUSED
    with pytest.raises(CmaError, match="node id"):
        replacement(BLANK, [taken], WISH)
    assert keys_of(BLANK, replace(taken, state=REVOKED)) == "kept: "
    assert code_of(KEPT, replace(RECORD, state=REVOKED)) is ExitCode.REFUSED


def test_a_board_of_another_authority_is_not_taken_over_by_the_way() -> None:
    assert code_of(replace(KEPT, authority=b"\x06" * 32)) is ExitCode.NEEDS_YES


def test_a_replacement_makes_keys_anew_whatever_there_was() -> None:
    for kept in (BLANK, KEPT):
        assert replacement(kept, [RECORD], WISH).keys is Keys.ANEW


def test_what_scripts_read_of_a_record_is_what_the_kernel_wrote() -> None:
    parts = [bytes([number]) * 32 for number in range(1, 6)]
    record = b"\x01" + b"".join(parts) + b"certificate"
    held = Identity(record)
    told = own_keys({"identity": record, "fresh": record[:129], "orders": b"list"}).halves()
    assert {name: bytes.fromhex(value) for name, value in told.items()} == {
        "public": held.public,
        "signer": held.signer,
        "authority": held.authority,
        "certificate": held.certificate,
        "fresh_signer": held.signer,
        "orders": b"list",
    }


def test_a_board_gathers_as_much_as_the_kernel_asks_for() -> None:
    source = (SCRIPTS / "enrol.py").read_text()
    found = dict(re.findall(r"^(\w+) = (\d+)", source, re.MULTILINE))
    assert int(found["EVENTS"]) == JITTER_COUNT
    assert int(found["EVENTS"]) * int(found["PIECE_BYTES"]) >= HARDWARE_BYTES


def test_a_certificate_is_kept_for_keys_that_are_there_and_for_no_others() -> None:
    parts = [bytes([number]) * 32 for number in range(1, 5)]
    fresh = b"\x01" + b"".join(parts)
    store = {"fresh": fresh}
    script = own_keys(store)
    with pytest.raises(ValueError, match="no such keys"):
        script.keep_certificate(script.open_store(), b"\x09" * 32, b"\x05" * 32, b"certificate")
    assert store == {"fresh": fresh}
    script.keep_certificate(script.open_store(), parts[3], b"\x05" * 32, b"certificate")
    assert store == {"identity": fresh + b"\x05" * 32 + b"certificate"}
    script.keep_certificate(script.open_store(), parts[3], b"\x06" * 32, b"another")
    assert store == {"identity": fresh + b"\x06" * 32 + b"another"}
