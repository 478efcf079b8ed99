"""The average power of a board whose wakes were measured, its bar, and what is not in it."""

from collections.abc import Callable
from dataclasses import dataclass

from cma_toolkit.boards.load import Board, list_boards, load_board
from cma_toolkit.host_tools.power.model import SUPPLY_V, Budget, break_even_s, budget
from cma_toolkit.host_tools.power.parts import Boot

FIGURE_BOARD = "esp32-s3-devkitc-1"
REPORT_BYTES = 100


@dataclass(frozen=True)
class PowerFigure:
    """A period and a kind of boot with the bar that the board of the figures has to meet."""

    kind: Boot
    period_s: int
    at_most_mw: float

    def model(self, board: Board, start_ms: float = 0, *, is_light: bool = False) -> Budget:
        """Return what a board uses if kernel and agent take so long to start after each boot."""
        return budget(
            board,
            self.kind,
            self.period_s * 1000,
            report_bytes=REPORT_BYTES,
            start_ms=start_ms,
            is_light=is_light,
        )

    def room_ms(self, board: Board) -> int:
        """Return how long importing and starting may take before the bar is missed.

        Returns: whole milliseconds; negative for a board that misses it without them.
        """
        without_mw = self.model(board).average_mw
        each_mw = self.model(board, 1).average_mw - without_mw
        return int((self.at_most_mw - without_mw) // each_mw)

    def too_hungry(self) -> list[Board]:
        """Return the boards that miss the bar though nothing is imported or started."""
        return [board for board in list_boards() if self.room_ms(board) < 0]

    def measure(self, say: Callable[[str], None]) -> float:
        """Return the average power of one board; tell what is not in it, and of the others."""
        board = load_board(FIGURE_BOARD)
        result = self.model(board)
        say(
            f"{board.id}: one report of {REPORT_BYTES} bytes per {self.period_s} s, "
            f"{self.kind} boot"
        )
        for share in result.shares:
            part = share.part
            say(f"  {part.name}: {part.span_ms:.1f} ms at {share.current_ua / 1000:.3f} mA")
        say(
            "NOT IN IT: importing the kernel and starting the agent after each boot; how long "
            "they take is unknown on silicon"
        )
        say(
            f"if they take more than {self.room_ms(board)} ms, {board.id} misses the bar of "
            f"{self.at_most_mw} mW"
        )
        names = ", ".join(hungry.id for hungry in self.too_hungry())
        say(f"boards that miss the bar even without them: {names or 'none'}")
        for other in list_boards():
            there = self.model(other)
            spans = "measured" if there.is_measured else "taken from the ESP32-S3"
            room_ms = self.room_ms(other)
            verdict = f"room for {room_ms} ms" if room_ms >= 0 else "misses the bar"
            say(
                f"  {other.id}: {there.average_mw:.3f} mW, {verdict}, boot spans {spans}, "
                f"{SUPPLY_V} V"
            )
        light = self.model(board, is_light=True)
        say(
            f"asleep lightly instead, without any boot: {light.average_mw:.2f} mW, which an agent "
            f"does in gaps below {break_even_s(board):.0f} s"
        )
        return result.average_mw
