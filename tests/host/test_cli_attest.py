"""`cma attest` as typed, on virtual boards: what runs there, and what does not, is said."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.host_tools.cli.attest import Verifier
from cma_toolkit.host_tools.cli.common import HANDLERS
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import Enrolments
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.facts import Facts
from cma_toolkit.host_tools.ports.workers import Job, Outcome
from cma_toolkit.host_tools.secure.attest_worker import check
from support.attested import BOARD, OLDER, SLOT_A, Fleet, Made, private
from support.virtual import VirtualBoards, home_of_boards

pytestmark = pytest.mark.xdist_group("attest")  # one run over all boards
MAC = "02:00:00:00:00:01"
KEPT_BYTES = {"romfs": layout.JOURNAL_SECTORS * layout.SECTOR_BYTES}


def flip(*places: int) -> Callable[[bytearray], None]:
    """Return what flips a bit at each place of a flash."""

    def change(flash: bytearray) -> None:
        for at in places:
            flash[at] ^= 1

    return change


# Each board shows what can be wrong with some claims, while its others are right.
MADE = {
    "right": Made(),
    "older": Made(sequence=OLDER, keys=(2, 2), settings={"cluster": b"elsewhere"}),
    "flipped": Made(keys=(3, 3), micropython="9.9.9", change=flip(SLOT_A + 40_000)),
    "shadowed": Made(
        keys=(4, 4),
        files={"app.py": b"def setup(agent):\n    pass\n"},
        change=flip(BOARD.partition("romfs").offset + 20_000),
    ),
    "another": Made(keys=(1, 5)),
    "blank": Made(keys=(0, 6)),
}


@dataclass
class Run:
    """One run over all boards: its exit code, and what it said."""

    fleet: Fleet
    boards: VirtualBoards
    code: int
    events: list[dict[str, Any]]
    before: dict[str, bytes]

    def of(self, name: str, kind: str = "attestation") -> dict[str, Any]:
        found = [one for one in self.events if one["event"] == kind and one["board"] == name]
        assert len(found) == 1, self.events[-1]
        return found[0]

    def message(self, name: str) -> str:
        (found,) = (one for one in self.events[-1]["boards"] if one["board"] == name)
        return str(found["message"])

    def wrong(self, name: str) -> dict[str, tuple[str, str]]:
        """Return state and text of each claim that does not hold."""
        told = {one["claim"]: (one["state"], one["text"]) for one in self.of(name)["claims"]}
        return {claim: found for claim, found in told.items() if found[0] != "known"}


def type_command(fleet: Fleet, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "attest", *words]
    return subprocess.run(command, cwd=fleet.folder, capture_output=True, text=True, check=False)


def flashes(boards: VirtualBoards) -> dict[str, bytes]:
    return {name: Path(boards.client.info(name).image).read_bytes() for name in MADE}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with home_of_boards() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMA_VIRTUAL_HOME", str(home))
        patch.setenv("CMA_PORT_HANDLERS", HANDLERS)
        boards = VirtualBoards(home)
        fleet = Fleet(tmp_path_factory.mktemp("attest"), boards, MADE)
        before = flashes(boards)
        done = type_command(fleet, "--all", "-o", "json", "--timeout", "240", "--wait", "60")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events, done.stderr
        yield Run(fleet, boards, done.returncode, events, before)


def test_a_board_that_is_right_passes(run: Run) -> None:
    assert run.of("right")["right"] and run.wrong("right") == {}
    assert run.of("right")["mac"] == MAC
    assert run.code == ExitCode.SOME_FAILED  # of the others
    with Database(run.fleet.project.database) as database:
        (result,) = database.history(MAC)
    assert (result.command, result.code, result.name) == ("attest", 0, "right")


def test_an_older_release_and_changed_settings_are_said(run: Run) -> None:
    assert run.wrong("older") == {
        "image": ("older", "release 6, older than release 7"),
        "settings": ("differs", "cluster: not as this project says"),
    }
    assert run.message("older").endswith(
        "bring the release to it with cma rollout, or flash it with cma flash."
    )


def test_a_flipped_bit_in_the_slot_and_another_micropython_are_said(run: Run) -> None:
    wrong = run.wrong("flipped")
    assert wrong.keys() == {"image", "micropython"}
    assert wrong["image"] == (
        "differs",
        "it says it is release 7, the newest, but its bytes are others",
    )
    assert wrong["micropython"][0] == "unknown"


def test_an_application_in_the_images_place_and_a_flipped_bit_in_the_loader_are_said(
    run: Run,
) -> None:
    wrong = run.wrong("shadowed")
    assert wrong.keys() == {"image", "loader"}
    assert "/user/app.py runs instead" in wrong["image"][1]


def test_a_board_with_another_boards_key_is_said_and_nothing_more_of_it(run: Run) -> None:
    assert run.wrong("another") == {
        "token": ("differs", "signed with the key of right: another board's token")
    }
    assert len(run.of("another")["claims"]) == 1


def test_a_board_without_a_key_is_to_be_enrolled(run: Run) -> None:
    assert run.of("blank", "end")["code"] == ExitCode.REFUSED
    assert "lost the key" in run.message("blank")


def test_no_board_was_written_and_no_key_left_one(run: Run) -> None:
    for number in range(1, 7):
        assert private(number).hex() not in json.dumps(run.events)
    # But for what a board keeps by itself: its journals, and its files at /user.
    places = [
        (one.offset, one.offset + one.size_bytes - KEPT_BYTES.get(one.label, 0))
        for one in BOARD.partitions
        if one.label not in ("state", "user")
    ]
    after = flashes(run.boards)
    for name, flash in run.before.items():
        for begin, end in places:
            # To look for a key where there never was one makes the namespace for it.
            is_made = name == "blank" and begin == BOARD.partition("nvs").offset
            assert is_made or after[name][begin:end] == flash[begin:end], (name, begin)


def test_a_token_that_is_played_again_or_passed_on_is_told_from_a_fresh_one(
    run: Run, tmp_path: Path
) -> None:
    value = run.of("right", "end")["value"]
    port = Port("virtual://right", state="running")
    with Database(run.fleet.project.database) as database:
        verifier = Verifier(run.fleet.project, database, tmp_path, 0)

        def text_of(**changes: object) -> str:
            outcome = Outcome(Job("right", port.url, "", {}), code=0, value={**value, **changes})
            return verifier.judged(outcome, port).outcome.message

        assert text_of() == ""
        assert "a token of before, played again" in text_of(nonce="00" * 8)
        assert "it came after 10001 ms" in text_of(took_ms=10_001)
        assert "the key of right: another board's token" in text_of(mac="02:00:00:00:00:02")
        assert "damaged" in text_of(reply={})
        assert "not enrolled" in text_of(mac="02:00:00:00:00:99")
        Enrolments(database).revoke("02:00:00:00:00:03", "lost")
        assert "was revoked (lost)" in text_of(mac="02:00:00:00:00:03")


@pytest.mark.parametrize(
    ("changes", "text", "code"),
    [
        ({"macs": ["02:00:00:00:00:02"], "named": "older"}, "is right now, not older", 3),
        ({"enrolled": []}, "is not enrolled in this project", 4),
        ({"chip": "esp8266"}, "no chip that cma knows", 4),
    ],
)
def test_a_board_that_is_not_meant_or_not_enrolled_is_not_asked(
    changes: dict[str, Any], text: str, code: int
) -> None:
    request = {"url": "virtual://right", "macs": [MAC], "named": "right", "enrolled": [MAC]}
    facts = Facts(chip=BOARD.chip, mac=MAC, name="right")
    check(facts, request)
    with pytest.raises(CmaError, match=text) as refused:
        check(replace(facts, chip=changes.pop("chip", BOARD.chip)), {**request, **changes})
    assert refused.value.code == code
