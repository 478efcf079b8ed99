"""The verdicts on what a board signed: each claim by itself, and none if the token is not to be
believed."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from cma_toolkit.firmware.kernel.secure.token import ANSWER_MS_MAX, claims_of, coded, signed
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.secure.attestation import (
    CLAIMS,
    FILES,
    IMAGE,
    SETTINGS,
    TEXT_MAX,
    TOKEN,
    Question,
    Reference,
    References,
    State,
    Verdict,
    is_right,
    judge,
)
from cma_toolkit.host_tools.secure.measurements import (
    BOOTLOADER,
    LOADER,
    MICROPYTHON,
    PARTS,
    TABLE,
    Measured,
    folded,
    from_reply,
)
from cma_toolkit.host_tools.secure.pyca import PycaCrypto

PORT = PycaCrypto()
OWN, OTHER = b"\x01" * 32, b"\x02" * 32
MAC, NONCE = b"\x02\x00\x00\x00\x00\x07", b"question"
ABOUT = json.dumps({"name": "greenhouse", "sources": "abc"})


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def measured(**changes: object) -> Measured:
    """Return what a board that is right told, but for what is said otherwise; not signed yet."""
    right = Measured(
        b"",
        ((IMAGE, digest("release 7")),),
        (("name", b"box-1"), ("settings", b"\xa0")),
        (*((part, digest(part)) for part in PARTS), ("/boot.py", digest("boot"))),
        ABOUT,
    )
    return replace(right, **changes)


def with_token(
    answer: Measured, key: bytes = OWN, nonce: bytes = NONCE, mac: bytes = MAC
) -> Measured:
    return replace(answer, token=signed(PORT, key, claims_of(nonce, mac, *answer.digests())))


KNOWN = References(
    images={
        digest("release 7"): Reference("release 7, the newest", 7),
        digest("release 6"): Reference("release 6", 6),
        digest("build"): Reference("build/greenhouse.romfs"),
    },
    sources={"abc": "release 7, the newest"},
    least=7,
    micropythons={digest(MICROPYTHON): Reference("MicroPython 1.29.0")},
    bootloaders=frozenset([digest(BOOTLOADER)]),
    table=digest(TABLE),
    loaders={digest(LOADER): Reference("as this cma writes it")},
    files={"/boot.py": digest("boot")},
    settings={"name": b"box-1", "settings": b"\xa0"},
)
ASKED = Question(MAC, NONCE, PORT.signer_of(OWN), 800, {PORT.signer_of(OTHER): "box-2"})


def verdicts(
    answer: Measured, asked: Question = ASKED, known: References = KNOWN
) -> list[Verdict]:
    return judge(answer, asked, known, PORT)


def only_wrong(answer: Measured, known: References = KNOWN) -> Verdict:
    """Return the one verdict that fails."""
    found = verdicts(with_token(answer), known=known)
    assert [one.claim for one in found] == list(CLAIMS) and not is_right(found)
    (wrong,) = (one for one in found if not one.is_good)
    return wrong


def changed(entries: tuple[tuple[str, bytes], ...], name: str, value: bytes) -> object:
    return tuple((each, value if each == name else old) for each, old in entries)


def test_a_board_that_is_right_is_right_in_each_claim() -> None:
    found = verdicts(with_token(measured()))
    assert is_right(found) and [one.claim for one in found] == list(CLAIMS)
    assert not is_right(found[:1])
    assert not is_right([])


@pytest.mark.parametrize(
    ("answer", "asked", "text"),
    [
        (with_token(measured(), nonce=b"yesterda"), ASKED, "played again"),
        (with_token(measured(), mac=b"\x02" * 6), ASKED, "02:02:02:02:02:02"),
        (with_token(measured(), key=OTHER), ASKED, "the key of box-2: another board's token"),
        (with_token(measured(), key=b"\x03" * 32), ASKED, "not signed with the key"),
        (with_token(measured()), replace(ASKED, took_ms=ANSWER_MS_MAX + 1), "it came after 10001"),
        (replace(measured(), token=b""), ASKED, "not signed"),
        (
            replace(measured(), token=coded(OWN, claims_of(NONCE, MAC, *measured().digests()))),
            ASKED,
            "not signed",
        ),
        (replace(with_token(measured()), settings=()), ASKED, "not those that it signs"),
        (
            replace(with_token(measured()), slot=((IMAGE, digest("release 6")),)),
            ASKED,
            "not those that it signs",
        ),
        (
            replace(with_token(measured()), runtime=measured().runtime[:-1]),
            ASKED,
            "not those that it signs",
        ),
    ],
)
def test_of_a_token_that_is_not_to_be_believed_nothing_else_is_said(
    answer: Measured, asked: Question, text: str
) -> None:
    (verdict,) = verdicts(answer, asked)
    assert (verdict.claim, verdict.state) == (TOKEN, State.DIFFERS) and text in verdict.text


def test_no_bit_of_a_token_or_of_a_list_can_be_another() -> None:
    right = with_token(measured())
    for bit in range(8 * len(right.token)):
        token = bytearray(right.token)
        token[bit >> 3] ^= 1 << (bit & 7)
        assert not is_right(verdicts(replace(right, token=bytes(token)))), bit
    for name, entries in vars(right).items():
        for key, value in entries if isinstance(entries, tuple) else ():
            other = bytes((value[0] ^ 1,)) + value[1:]
            assert not is_right(verdicts(replace(right, **{name: changed(entries, key, other)})))


def test_an_image_is_a_release_an_older_one_a_build_or_nobodys() -> None:
    older = measured(slot=((IMAGE, digest("release 6")),))
    assert only_wrong(older) == Verdict(IMAGE, State.OLDER, "release 6, older than release 7")
    assert is_right(verdicts(with_token(older), known=replace(KNOWN, least=6)))
    build = measured(slot=((IMAGE, digest("build")),))
    assert is_right(verdicts(with_token(build)))
    flipped = only_wrong(measured(slot=((IMAGE, digest("flipped")),)))
    assert flipped.state is State.DIFFERS and "release 7, the newest, but its" in flipped.text
    about = json.dumps({"name": "mine\x1b[2J", "sources": "else"})
    foreign = only_wrong(measured(slot=((IMAGE, digest("else")),), about=about))
    assert foreign.state is State.UNKNOWN and '"mine?[2J"' in foreign.text


@pytest.mark.parametrize(
    "about", ["", "{", "[]", "7", "{}", '{"name": 1, "sources": []}', "[" * 9999]
)
def test_an_image_may_say_anything_of_itself(about: str) -> None:
    wrong = only_wrong(measured(slot=((IMAGE, digest("else")),), about=about))
    assert wrong == Verdict(IMAGE, State.UNKNOWN, "no release or build of this project")


def test_a_file_that_runs_instead_of_the_images_is_said() -> None:
    shadow = ("/user/app.py", digest("mine"))
    shadowed = measured(slot=(*measured().slot, shadow))
    assert measured().digests()[0] == digest("release 7") != shadowed.digests()[0]
    wrong = only_wrong(shadowed)
    assert wrong.state is State.DIFFERS and wrong.text.startswith("/user/app.py runs instead")


@pytest.mark.parametrize(
    ("part", "claim", "state"),
    [
        (BOOTLOADER, MICROPYTHON, State.UNKNOWN),
        (TABLE, MICROPYTHON, State.DIFFERS),
        (MICROPYTHON, MICROPYTHON, State.UNKNOWN),
        (LOADER, LOADER, State.UNKNOWN),
        ("/boot.py", FILES, State.DIFFERS),
    ],
)
def test_each_part_that_runs_before_the_image_is_held_to_what_is_known(
    part: str, claim: str, state: State
) -> None:
    runtime = changed(measured().runtime, part, digest("another"))
    wrong = only_wrong(measured(runtime=runtime))
    assert (wrong.claim, wrong.state) == (claim, state)


def test_files_at_the_root_that_are_missing_or_too_many_are_named() -> None:
    parts = measured().runtime[:-1]
    assert only_wrong(measured(runtime=parts)).text == "/boot.py is missing"
    more = (*measured().runtime, ("/kernel/agent.py", digest("mine")))
    assert only_wrong(measured(runtime=more)).text == "/kernel/agent.py is too many"
    long = (*measured().runtime, ("/" + "\n" * 500, digest("mine")))
    text = only_wrong(measured(runtime=long)).text
    assert text.isprintable() and len(text) <= TEXT_MAX


def test_settings_that_are_other_missing_or_too_many_are_named() -> None:
    for settings, key in (
        ((("name", b"box-2"), ("settings", b"\xa0")), "name"),
        ((("name", b"box-1"),), "settings"),
        ((*measured().settings, ("wifi_ssid", b"evil")), "wifi_ssid"),
    ):
        wrong = only_wrong(measured(settings=settings))
        assert wrong == Verdict(SETTINGS, State.DIFFERS, f"{key}: not as this project says")


def test_what_is_folded_is_names_and_digests_in_their_order() -> None:
    one, other = ("a", digest("1")), ("b", digest("2"))
    found = {folded(each) for each in ((), (one,), (one, other), (other, one), (("b", one[1]),))}
    assert len(found) == 5


def reply(**changes: object) -> dict[str, object]:
    right = measured()
    lists = {
        name: [[key, value.hex()] for key, value in getattr(right, name)]
        for name in ("slot", "settings", "runtime")
    }
    return {"token": "00", **lists, "about": ABOUT, **changes}


def test_a_reply_is_read_as_it_is_and_in_no_other_form() -> None:
    assert from_reply(reply()) == replace(measured(), token=b"\x00")
    rows = reply()["runtime"]
    assert isinstance(rows, list)
    wrong: list[dict[str, object]] = [
        {},
        *({key: value for key, value in reply().items() if key != name} for name in reply()),
        reply(token="0"),
        reply(token=None),
        reply(slot=[]),
        reply(slot=[["other", "00" * 32]]),
        reply(slot=[[IMAGE, "00" * 31]]),
        reply(slot=[[IMAGE, "00" * 32], ["user", "00" * 32]]),
        reply(runtime=[]),
        reply(runtime=rows[1:]),
        reply(runtime=rows[::-1]),
        reply(runtime=[*rows, rows[-1]]),
        reply(runtime=[*rows, ["boot.py", "00" * 32]]),
        reply(settings=[["name", "00"], ["name", "01"]]),
        reply(settings=[["name"]]),
        reply(settings=7),
        reply(slot=[], runtime=[]),
    ]
    for one in wrong:
        with pytest.raises(CmaError, match="damaged") as refused:
            from_reply(one)
        assert refused.value.code is ExitCode.VERIFY_FAILED
