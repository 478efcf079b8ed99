"""Bytes on the air for a whole release in sessions of 800 ms, relative to one long session.

One board and an edge, a fifth of the frames lost, 61,000 bytes that do not pack. The power goes at
the end of each session, in the middle of whatever is on its way. What a board has received it does
not fetch again; the rest of the difference is the beginning of each session, in which it asks what
there is, and what an edge sends to who has gone.
"""

from collections.abc import Callable

from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release.published import Published
from support.updating import Air, EdgeStation, UpdatingBoard, changed, image, part_of, published

UNIT = "times"
AT_MOST = 1.5
SESSION_MS, LOSS, SEEDS = 800, 0.2, 10
LONG_MS, SESSIONS_MAX = 60_000, 100
AROUND_BYTES = 43  # of MAC header, vendor frame and check sequence
OLD = image(1)
NEW = changed(OLD)


def measure(say: Callable[[str], None]) -> float:
    """Return the mean of some seeds."""
    release, means = published(part_of(NEW, 2)), []
    for session_ms in (SESSION_MS, LONG_MS):
        runs = [_fetched(release, session_ms, seed) for seed in range(SEEDS)]
        sessions, sent = (sum(column) / SEEDS for column in zip(*runs, strict=True))
        say(f"sessions of {session_ms} ms: {sessions:.1f} of them, {sent:.0f} bytes")
        means.append(sent)
    return means[0] / means[1]


def _fetched(release: Published, session_ms: int, seed: int) -> tuple[int, int]:
    """Return in how many sessions a board has a release, and the bytes of all frames."""
    board, edge = UpdatingBoard(1, OLD, seed=seed), EdgeStation()
    edge.offer(release)
    air = Air([edge, board], LOSS, seed)
    for session in range(1, SESSIONS_MAX):
        board.boot()
        air.start(*(() if session == 1 else (board.node,)))
        air.run(air.now_ms + session_ms)
        if board.outcome == DONE_WHOLE or not board.machine.intake.wanted():
            assert board.image(len(NEW)) == NEW
            return session, sum(len(frame) + AROUND_BYTES for _, _, frame in air.sent)
    raise AssertionError("it never comes")
