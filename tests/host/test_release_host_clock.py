"""What is published by clocks that jump, and from a folder that is older, lost in part, or wrong.

Whatever is published then, boards that heard more than the folder knows take it; or it is refused,
with what a person can do, and that helps.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release.trust import (
    NUMBER_MAX,
    ROLE_RELEASE,
    ROLE_ROOT,
    ROLE_TIMESTAMP,
)
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.procedures import COUNTED_FROM_S, DAY_S, Office
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
from support.release_signers import NOW_S

NOT_NEWER = 3
TOO_LATE_S = COUNTED_FROM_S + NUMBER_MAX + 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Office:
    return begun_in(tmp_path, clock)


def stamp_path(office: Office) -> Path:
    return office.repository.folder / "timestamp.cbor"


def ahead(office: Office, clock: Clock, days: int) -> Fleet:
    """Return boards that heard a timestamp of a clock that was so many days ahead."""
    release, fleet = published(office, 1), Fleet(office)
    clock.now_s += days * DAY_S
    office.refresh()
    clock.now_s -= days * DAY_S
    assert fleet.read(release) == [0]
    return fleet


@pytest.mark.parametrize("is_older", [False, True])
def test_boards_take_what_is_published_after_a_timestamp_was_lost(
    office: Office, clock: Clock, *, is_older: bool
) -> None:
    published(office, 1)
    first = stamp_path(office).read_bytes()
    for _ in range(4):
        clock.now_s += 60
        release = office.refresh()
    fleet = Fleet(office)
    assert fleet.read(release) == [0]
    clock.now_s += 60
    if is_older:
        stamp_path(office).write_bytes(first)
    else:
        stamp_path(office).unlink()
    assert fleet.read(published(office, 2)) == [0]
    # At one instant, too, and a little before it, what is said later is later.
    clock.now_s -= 60
    assert fleet.read(published(office, 3)) == [0]


def test_a_damaged_timestamp_is_replaced(office: Office, clock: Clock) -> None:
    release, fleet = published(office, 1), Fleet(office)
    assert fleet.read(release) == [0]
    for spoilt in (b"", stamp_path(office).read_bytes()[:-1]):
        clock.now_s += 60
        stamp_path(office).write_bytes(spoilt)
        office.refresh()
        assert fleet.read(release) == [NOT_NEWER]  # it has it: that it read all is in `read`


@pytest.mark.parametrize("again", [False, True])
def test_a_clock_that_was_ahead_is_refused_until_boards_begin_anew(
    office: Office, clock: Clock, *, again: bool
) -> None:
    fleet, left = ahead(office, clock, 300), office.keys.left("timestamp")
    release, _ = office.sign_release(make(2))
    for call in (office.refresh, lambda: office.publish(release)):
        said = refusal(ExitCode.REFUSED, call)
        assert "made on 2027-11-11" in said and "not 2027-01-15; if it is" in said
        assert "cma release rotate timestamp timestamp, then say this again." in said
    assert office.keys.left("timestamp") == left  # a job of each night uses nothing up
    assert [each.sequence for each in office.repository.published()] == [1]
    if again:  # by the clock that is ahead: nothing is wrong with it, for these boards
        clock.now_s += 301 * DAY_S
        office.publish(release)
        assert fleet.read(release, int(clock.now_s)) == [0]
        return
    office.rotate(ROLE_TIMESTAMP, office.keys.public("timestamp"))
    office.publish(release)
    assert fleet.read(release) == [0] and Fleet(office).read(release) == [0]
    assert fleet.read(office.refresh()) == [NOT_NEWER]


def test_what_a_later_root_ends_sooner_boards_believe_for_all_that(
    office: Office, clock: Clock
) -> None:
    fleet = ahead(office, clock, 300)
    for role, key in ((ROLE_ROOT, "root"), (ROLE_RELEASE, "release")):
        office.rotate(role, office.keys.public(key), root_days=90)
    release, _ = office.sign_release(make(2))
    said = refusal(ExitCode.REFUSED, lambda: office.publish(release))
    assert "rotate timestamp timestamp" in said
    office.rotate(ROLE_TIMESTAMP, office.keys.public("timestamp"))
    office.publish(release)
    assert fleet.read(release) == [0]


def test_a_clock_that_is_behind_is_to_be_set(office: Office, clock: Clock) -> None:
    release, fleet = published(office, 1), Fleet(office)
    assert fleet.read(release) == [0]
    clock.now_s -= 40 * DAY_S
    said = refusal(ExitCode.REFUSED, office.refresh)
    assert "set this computer's clock if it is not 2026-12-06" in said
    clock.now_s += 38 * DAY_S  # two days: boards believe the rest of it
    assert fleet.read(office.refresh(), NOW_S) == [NOT_NEWER]


def test_a_root_that_has_expired_may_be_the_clocks_fault(office: Office, clock: Clock) -> None:
    published(office, 1)
    clock.now_s += 800 * DAY_S
    said = refusal(ExitCode.REFUSED, office.refresh)
    assert "expired on 2029-01-14" in said and "if it is not 2029-03-25" in said


@pytest.mark.parametrize(
    "now_s", [-1, 0, COUNTED_FROM_S, COUNTED_FROM_S + NUMBER_MAX + 1, 1 << 40]
)
def test_by_a_clock_that_cannot_be_nothing_is_made(
    office: Office, clock: Clock, tmp_path: Path, now_s: int
) -> None:
    release = published(office, 1)
    stamp, left = stamp_path(office).read_bytes(), office.keys.left("timestamp")
    clock.now_s = now_s
    other = office_in(tmp_path / "other", clock)
    calls: list[Callable[[], object]] = [
        lambda: other.begin(ONE_EACH),
        lambda: office.rotate(ROLE_RELEASE, office.keys.public("release")),
        lambda: office.publish(release),
        office.refresh,
    ]
    for call in calls:
        said = refusal(ExitCode.USAGE, call)
        assert said.startswith("This computer's clock says that it is ") and "set it" in said
    assert (stamp_path(office).read_bytes(), office.keys.left("timestamp")) == (stamp, left)
    assert len(office.keys.names()) == 3 and not other.keys.names()


def test_more_days_than_boards_can_count_are_refused(tmp_path: Path, clock: Clock) -> None:
    office = office_in(tmp_path, clock)
    said = refusal(ExitCode.USAGE, lambda: office.begin(ONE_EACH, root_days=36_500))
    assert "until 2106-02-07: give 28876 at most with --days" in said
    assert not office.keys.names() and not office.repository.roots()
    office.begin(ONE_EACH, root_days=28_876)
    assert Fleet(office).read(published(office, 1)) == [0]
    said = refusal(
        ExitCode.USAGE,
        lambda: office.rotate(ROLE_ROOT, office.keys.public("root"), root_days=28_877),
    )
    assert "at most with --days" in said and office.keys.names() == [
        "release",
        "root",
        "timestamp",
    ]


def test_after_the_last_number_of_a_timestamp_boards_begin_anew(
    office: Office, clock: Clock
) -> None:
    release, fleet = published(office, 1), Fleet(office)
    digests = [part.digest for part in release.parts]
    payload = documents.timestamp(NUMBER_MAX, NOW_S, NOW_S + DAY_S, digests)
    signature = office.keys.sign("timestamp", documents.to_be_signed(payload))
    key = documents.key_id(office.keys.public("timestamp"))
    stamp_path(office).write_bytes(documents.envelope(payload, [(key, signature)]))
    assert fleet.read(release) == [0]
    said = refusal(ExitCode.REFUSED, office.refresh)
    assert "refuse this timestamp" in said and "rotate timestamp timestamp" in said
    office.rotate(ROLE_TIMESTAMP, office.keys.public("timestamp"))
    assert fleet.read(office.refresh()) == [NOT_NEWER]
