"""`cma rollout`: what a person types, sees and is refused."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli import rollout_watch
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sighting, Sightings
from cma_toolkit.host_tools.rollout.desk import Desk, node_of
from cma_toolkit.host_tools.rollout.records import Report
from cma_toolkit.host_tools.rollout.store import Store
from support.person import Person, settle
from support.rollouts import mac_of

FLEET = """
name = "field"
network = 7
board = "esp32-devkitc"
[settings.wake_period_ms]
type = "int"
default = 60_000
"""
CHIPS = ("esp32", "esp32c3")


@pytest.fixture
def person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    settle(tmp_path, monkeypatch)
    Path("fleet.toml").write_text(FLEET)
    Path("inventory.csv").write_text("name,set.wake_period_ms\nbox-1,30000\n")
    return Person(capsys)


def provision(count: int) -> None:
    """Let a fleet have boards, as `cma provision` leaves them."""
    with Database(Path(".cma/fleet.db")) as database:
        for number in range(count):
            mac, chip = mac_of(number), CHIPS[number % 2]
            database.saw(mac, port="", chip=chip)
            database.claim(mac, f"box-{number}")
            labels = (f"bed={number % 2}",)
            database.finish(mac, board="esp32-devkitc", cluster="c", labels=labels, revision=1)


def publish(person: Person) -> None:
    """Publish the next release."""
    person.types(f"release publish {sign(person)}")


def sign(person: Person) -> str:
    """Make the next release and sign it; return its file."""
    file: str = json.loads(person.types("release create --output json"))["file"]
    person.types(f"release sign {file}")
    return file


def tell(name: str, sequence: int, stage: str, target: int, **others: int) -> None:
    """Let a board tell how it is."""
    now_s = int(time.time())
    with Database(Path(".cma/fleet.db")) as database:
        (board,) = database.find(name)
        report = Report(node_of(board.mac), sequence, stage, target, **others)
        Desk(Store(database)).on_report(report, now_s)


def test_a_roll_out_from_its_start_to_its_halt_and_on(person: Person) -> None:
    person.types("release init")
    publish(person)
    provision(8)
    planned = person.reads("rollout start --dry-run")
    assert [len(wave) for wave in planned["waves"]] == [1, 3, 4]
    assert "no roll-out yet" in person.types("rollout status", ExitCode.USAGE)
    started = person.reads("rollout start --soak 0 --canary box-3 --min-battery 3600")
    assert (started["state"], started["release"]) == ("running", 1)
    assert [wave["queued"] for wave in started["waves"]] == [1, 0, 0]

    tell("box-3", 0, "idle", 0, battery_mv=3_500)
    assert "wait for 3600 mV: box-3" in person.types("rollout status")
    tell("box-3", 0, "fetching", 1, done_permille=500, battery_mv=3_700)
    assert "canary  1       ....................   0 %" in person.types("rollout status")
    tell("box-3", 0, "rejected", 1, reason=8)
    said = person.types("rollout status", ExitCode.SOME_FAILED)
    assert "halted: 1 canary failed" in said and "cma rollout resume --yes" in said
    assert "box-3 failed: rejected it: larger than a slot" in said
    assert "add --yes" in person.types("rollout resume", ExitCode.NEEDS_YES)

    assert person.reads("rollout resume --yes")["waves"][1]["queued"] == 3
    steps = person.reads("rollout status --steps", ExitCode.SOME_FAILED)["steps"]
    whats = [step["what"] for step in steps]
    assert whats[0] == "started" and "halted: 1 canary failed" in whats and "resumed" in whats
    assert "paused" in person.types("rollout pause")
    assert "aborted" in person.types("rollout abort")
    assert "cma rollout start" in person.types("rollout abort", ExitCode.USAGE)
    assert "no roll-out 9" in person.types("rollout status 9", ExitCode.USAGE)
    assert "aborted" in person.types("rollout status 1", ExitCode.SOME_FAILED)


def test_while_a_roll_out_is_open_no_other_release_becomes_current(person: Person) -> None:
    person.types("release init")
    publish(person)
    provision(2)
    person.types("rollout start --canary box-0")
    file = sign(person)
    stamp = Path("release/timestamp.cbor").read_bytes()
    for state, turn in (("running", ""), ("paused", "rollout pause"), ("halted", "")):
        if turn:
            person.types(turn)
        if state == "halted":
            person.types("rollout resume")
            tell("box-0", 0, "rejected", 1, reason=8)
        said = person.types(f"release publish {file}", ExitCode.REFUSED)
        assert f"is {state}" in said and "cma rollout abort" in said and said.count("\n") == 1
        assert Path("release/timestamp.cbor").read_bytes() == stamp
    (first,) = Path("build").glob("*-1.release")
    person.types(f"release publish {first}")  # what it brings may be called current again
    person.types("release refresh")
    person.types("rollout abort")
    person.types(f"release publish {file}")


def test_who_is_asked_follows_what_is_named_and_what_there_is_an_image_for(
    person: Person,
) -> None:
    person.types("release init")
    publish(person)
    provision(8)
    planned = person.reads("rollout start --dry-run --to label=bed=1 --waves 50 --canary 1")
    assert [len(wave) for wave in planned["waves"]] == [1, 1] and not planned["left_out"]
    with Database(Path(".cma/fleet.db")) as database:
        database.saw(mac_of(1), port="", chip="esp32h2")
    planned = person.reads("rollout start --dry-run --to box-1 --to box-2 --to id:0005")
    assert planned["left_out"] == ["box-1"]
    assert sorted(name for wave in planned["waves"] for name in wave) == ["box-2", "box-5"]
    assert "no image for their chip: box-1" in person.types("rollout start --dry-run")
    assert "no image" in person.types("rollout start --to box-1", ExitCode.USAGE)


def test_a_rehearsal_is_shown_beside_what_is_so(person: Person) -> None:
    person.types("release init")
    publish(person)
    provision(4)
    found = person.reads("rollout rehearse --seeds 2 --soak 1 --quiet")
    assert found["boards"] == 4 and len(found["runs"]) == 2
    assert found["runs"][0] != found["runs"][1]
    for run in found["runs"]:
        assert run["state"] == "done" and 180 < run["took_s"] < 3_600
        assert run["failed"] == run["bricked"] == 0
        # Boards count by their table of currents; the last they used, nobody may have heard.
        assert 10 < run["used_uah"] < 1_000
        assert abs(run["told_uah"] - run["used_uah"]) <= run["used_uah"] // 5
    started = person.reads("rollout start --soak 1")
    assert started["predicted"] == found
    now = person.reads("rollout status")
    canary = next(board["name"] for board in now["boards"] if board["wave"] == 0)
    tell(canary, 0, "fetching", 1, used_uah=41)
    tell(canary, 1, "confirmed", 1, used_uah=0)
    assert person.reads("rollout status")["told_uah"] == 41
    said = person.types("rollout status")
    assert "for 4 boards  predicted" in said
    (charge,) = [line.split() for line in said.splitlines() if "uAh told" in line]
    assert charge[2] == str(sorted(run["told_uah"] for run in found["runs"])[1])
    assert charge[-1] == "41"

    said = person.types("rollout rehearse --seeds 1 --hours 1", ExitCode.SOME_FAILED)
    assert "not come to its end in each run: still open, once" in said  # a soak takes an hour each
    assert "its wave did not open: 1 of the 1 boards before it had the release, 1 must" in said


def test_a_rehearsal_says_who_would_not_get_it_and_why(person: Person) -> None:
    person.types("release init")
    publish(person)
    provision(4)
    now_s = int(time.time())
    with Database(Path(".cma/fleet.db")) as database:
        seen = [Sighting(mac_of(number), now_s, 100, battery_mv=3_700) for number in range(3)]
        seen[2] = replace(seen[2], battery_mv=3_300)
        Sightings(database).add(seen)
    options = "--seeds 1 --soak 1 --canary box-0 --enough 50 --min-battery 3600 --quick"
    found = person.reads(f"rollout rehearse {options}", ExitCode.SOME_FAILED)
    (run,) = found["runs"]
    assert run["state"] == "running" and run["took_s"] < 3_600  # not until --hours
    whys = dict(run["lacking"])
    assert set(whys) == {"box-2", "box-3"}
    assert whys["box-2"].startswith("its battery told 3300 mV, less than the 3600")
    assert whys["box-3"].startswith("no edge ever heard it, but others of its cluster")
    said = person.types(f"rollout rehearse {options}", ExitCode.SOME_FAILED)
    assert "box-3, in 1 of 1 run: no edge ever heard it" in said


@pytest.mark.parametrize(
    ("period_ms", "options", "silence_s"),
    [(60_000, "", 21_600), (36_000_000, "", 108_000), (36_000_000, "--silence 5", 300)],
)
def test_boards_that_sleep_long_may_be_silent_for_longer(
    person: Person, period_ms: int, options: str, silence_s: int
) -> None:
    Path("fleet.toml").write_text(FLEET.replace("60_000", str(period_ms)))
    person.types("release init")
    publish(person)
    provision(2)
    planned = person.reads(f"rollout start --dry-run {options}")
    assert planned["terms"]["silence_s"] == silence_s


def test_what_cannot_be_started_is_refused_in_one_sentence(person: Person) -> None:
    publish_it = "cma release publish"
    assert publish_it in person.types("rollout start", ExitCode.USAGE)
    person.types("release init")
    assert publish_it in person.types("rollout start", ExitCode.USAGE)
    publish(person)
    assert "cma provision" in person.types("rollout start", ExitCode.USAGE)
    provision(2)
    for options, words in (
        ("--release 2", "which is the current one"),
        ("--to label=none", "see cma devices"),
        ("--canary none", "no board of the fleet"),
        ("--canary 0", "at least one board goes first"),
        ("--at-once 0", "--at-once: write a number of 1 or more"),
        ("--to box-0 --canary box-1", "none of those boards"),
        ("--canary 5%%", "such as 5%"),
        ("--max-failures some", "such as 5%"),
        ("--waves 50,10", "such as 10,50,100"),
        ("--window 22-5", "22:00-05:00"),
    ):
        said = person.types(f"rollout start {options}", ExitCode.USAGE)
        assert words in said and said.count("\n") == 1
    person.types("rollout start")
    assert "cma rollout abort" in person.types("rollout start", ExitCode.REFUSED)


def test_who_watches_sees_each_step_until_the_end(
    person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    person.types("release init")
    publish(person)
    provision(2)
    person.types("rollout start --soak 0 --canary box-0")
    story = [
        partial(tell, "box-0", 0, "fetching", 1, done_permille=500),
        partial(tell, "box-0", 1, "confirmed", 1),
        pass_time,
        partial(tell, "box-1", 0, "rejected", 1, reason=1),
    ]

    def wait() -> None:
        story.pop(0)()

    monkeypatch.setattr(rollout_watch, "wait", wait)
    monkeypatch.setenv("CMA_PROGRESS", "bar")
    with pytest.raises(SystemExit) as ended:
        main(["rollout", "status", "--watch"])
    said = capsys.readouterr()
    assert ended.value.code == ExitCode.SOME_FAILED and not story
    for words in ("box-0: fetching", "box-0: updated", "box-1: rejected it", "1 failed"):
        assert words in said.err
    assert "halted" in said.out


def pass_time() -> None:
    """Let time pass, as who serves does."""
    with Database(Path(".cma/fleet.db")) as database:
        Desk(Store(database)).on_time(int(time.time()))
