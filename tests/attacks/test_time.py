"""Attacks 15 to 17: an old release is held up as current for ever."""

from attacks.air import NEW, OLD, release
from attacks.attack import attack, check, refused, stopped
from attacks.places import INSTALLATION, TRUST

from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.refusals import REFUSED_EXPIRED
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release import documents
from support.release_board import RELEASE, TIMESTAMP, Handed
from support.release_signers import DAY_S, LATER_S, NOW_S, manifest, signed
from support.updating import Air, EdgeStation, UpdatingBoard

UPTIME_S = 5_000

LATEST_SIGNED = check(
    "the time that was signed last",
    TRUST,
    "return expires_s < max(now_s, self.time_s)",
    "return expires_s < now_s",
)


@attack(
    check(
        "the end of a timestamp",
        TRUST,
        "if self.has_expired(now_s):",
        "if False:",
    )
)
def test_attack_15_expired() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data, NOW_S + 7 * DAY_S) == 0
    refused(lambda: handed.take(data, NOW_S + 7 * DAY_S + 1), REFUSED_EXPIRED)


@attack(
    check(
        "the end of a timestamp that comes late",
        TRUST,
        "if self._is_past(min(expires, self.root.expires_s), max(now_s, issued)):",
        "if False:",
    )
)
def test_attack_15_expired_before_it_came() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    said = documents.timestamp(9, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    late = signed(said, [TIMESTAMP])
    refused(lambda: handed.trust.on_timestamp(late, NOW_S + 2 * DAY_S), REFUSED_EXPIRED)
    never_valid = documents.timestamp(10, NOW_S + 9, NOW_S + 8, [])
    refused(lambda: handed.trust.on_timestamp(signed(never_valid, [TIMESTAMP])), REFUSED_EXPIRED)


@attack(
    check(
        "a clock that goes on from what was signed",
        INSTALLATION,
        "self.now_s += max(0, clock_s - read_word(stored, 0))",
        "pass",
    )
)
def test_attack_15_expired_in_a_session() -> None:
    board, edge, new = UpdatingBoard(1, OLD), EdgeStation(), release(NEW, 2)
    board.boot()
    board.installation.read_clock(UPTIME_S)
    _, said = new.coded(talk.PART_TIMESTAMP, 0) or (0, b"")
    assert board.installation.on_timestamp(said) == 0
    edge.offer(new)
    board.boot()
    board.installation.read_clock(UPTIME_S + LATER_S - NOW_S + 1)
    air = Air([edge, board])
    air.start()
    air.run(60_000)
    stopped(board.outcome != DONE_WHOLE, "a board takes what has expired by its own clock")
    assert board.machine.reason == REFUSED_EXPIRED


def frozen(now_s: int) -> None:
    """Hold up a release of yesterday to a board that heard of today, whatever its clock says."""
    handed, payload = Handed(), manifest()
    digests = [documents.digest_of(payload)]
    first = documents.timestamp(1, NOW_S, NOW_S + DAY_S, digests)
    assert handed.trust.on_timestamp(signed(first, [TIMESTAMP]), now_s) == 0
    assert handed.take(signed(payload, [RELEASE]), now_s) == 0
    today = documents.timestamp(2, NOW_S + 2 * DAY_S, NOW_S + 3 * DAY_S, [])
    assert handed.trust.on_timestamp(signed(today, [TIMESTAMP]), now_s) == 0
    old = signed(documents.timestamp(3, NOW_S, NOW_S + DAY_S, digests), [TIMESTAMP])
    refused(lambda: handed.trust.on_timestamp(old, now_s), REFUSED_EXPIRED)


@attack(LATEST_SIGNED)
def test_attack_16_freeze_with_the_clock_unset() -> None:
    frozen(0)


@attack(
    LATEST_SIGNED,
    check(
        "keeping the time that was signed",
        TRUST,
        "self.time_s = max(self.time_s, issued)",
        "pass",
    ),
    check(
        "time that only goes on",
        TRUST,
        "self.time_s = max(self.time_s, issued)",
        "self.time_s = now_s",
    ),
)
def test_attack_17_clock_turned_back() -> None:
    frozen(NOW_S)
