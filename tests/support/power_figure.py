"""The average power of the boards whose wakes were measured, and what is in it and what is not."""

from collections.abc import Callable

from cma_toolkit.boards.load import list_boards, load_board
from cma_toolkit.host_tools.power.model import SUPPLY_V, break_even_s, budget
from cma_toolkit.host_tools.power.parts import Boot

FIGURE_BOARD = "esp32-s3-devkitc-1"
REPORT_BYTES = 100
_START_MS = 10.0


def average_mw(kind: Boot, period_s: int, say: Callable[[str], None]) -> float:
    """Return the average power of one board, and tell of the others."""
    board = load_board(FIGURE_BOARD)
    result = budget(board, kind, period_s * 1000, report_bytes=REPORT_BYTES)
    say(f"{board.id}: one report of {REPORT_BYTES} bytes per {period_s} s, {kind} boot")
    for share in result.shares:
        part = share.part
        say(f"  {part.name}: {part.span_ms:.1f} ms at {share.current_ua / 1000:.3f} mA")
    slower = budget(
        board, kind, period_s * 1000, report_bytes=REPORT_BYTES, start_ms=_START_MS
    ).average_mw
    say(
        f"not in it, since nobody has measured it: importing the kernel and starting the agent; "
        f"each {_START_MS:.0f} ms of that add {slower - result.average_mw:.3f} mW"
    )
    light = budget(board, kind, period_s * 1000, report_bytes=REPORT_BYTES, is_light=True)
    say(
        f"asleep lightly instead, without any boot: {light.average_mw:.2f} mW, which an agent "
        f"does in gaps below {break_even_s(board):.0f} s"
    )
    for other in list_boards():
        there = budget(other, kind, period_s * 1000, report_bytes=REPORT_BYTES)
        spans = "measured" if there.is_measured else "taken from the ESP32-S3"
        say(f"{other.id}: {there.average_mw:.3f} mW, boot spans {spans}, {SUPPLY_V} V")
    return result.average_mw
