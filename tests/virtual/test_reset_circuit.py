"""Each tool's way of pulling the lines ends where it does on a board."""

import pytest

from cma_toolkit.sim.virtual_board.rom.reset_circuit import SETTLE_MS, ResetCircuit

ASSERTED, FREE = True, False


class Chip:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.timer_at_ms: int | None = None

    def hold_reset(self) -> None:
        self.heard.append("hold")

    def release(self, download: bool) -> None:
        self.heard.append("download" if download else "run")

    def set_timer(self, at_ms: int) -> None:
        self.timer_at_ms = at_ms

    def cancel_timer(self) -> None:
        self.timer_at_ms = None


def drive(*lines: tuple[bool, bool]) -> tuple[Chip, ResetCircuit]:
    chip = Chip()
    circuit = ResetCircuit(chip)
    for now_ms, (dtr, rts) in enumerate(lines):
        circuit.on_lines(now_ms, dtr, rts)
    return chip, circuit


CLASSIC = [(FREE, ASSERTED), (ASSERTED, ASSERTED), (ASSERTED, FREE), (FREE, FREE)]
TIGHT = [
    (FREE, FREE),
    (ASSERTED, ASSERTED),
    (FREE, ASSERTED),
    (ASSERTED, FREE),
    (FREE, FREE),
]
OPEN = [(ASSERTED, FREE), (ASSERTED, ASSERTED)]
CLOSE = [(ASSERTED, FREE), (FREE, FREE)]


@pytest.mark.parametrize("before", [[], OPEN], ids=["floating", "as-opened"])
@pytest.mark.parametrize("sequence", [CLASSIC, TIGHT], ids=["classic", "tight"])
def test_the_dance_of_esptool_enters_the_loader(
    before: list[tuple[bool, bool]], sequence: list[tuple[bool, bool]]
) -> None:
    chip, _ = drive(*before, *sequence)
    assert chip.heard == ["hold", "download"]
    assert chip.timer_at_ms is None


def test_rts_alone_restarts_the_board() -> None:
    chip, _ = drive((FREE, ASSERTED), (FREE, FREE))
    assert chip.heard == ["hold", "run"]


def test_lines_written_twice_are_one_change() -> None:
    chip, _ = drive((FREE, ASSERTED), (FREE, ASSERTED), (FREE, FREE), (FREE, FREE))
    assert chip.heard == ["hold", "run"]


def test_a_line_written_twice_does_not_put_the_start_off() -> None:
    chip, _ = drive((FREE, ASSERTED), (ASSERTED, ASSERTED), (ASSERTED, ASSERTED))
    assert chip.timer_at_ms == 1 + SETTLE_MS


def test_opening_and_closing_a_port_disturbs_nothing() -> None:
    chip, _ = drive(*OPEN, *CLOSE, *OPEN, *CLOSE)
    assert chip.heard == []


def test_a_board_starts_although_both_lines_stay_asserted() -> None:
    chip, circuit = drive((FREE, ASSERTED), (ASSERTED, ASSERTED))
    assert chip.heard == ["hold"]
    assert chip.timer_at_ms == 1 + SETTLE_MS
    circuit.on_timer(1 + SETTLE_MS)
    assert chip.heard == ["hold", "run"]


def test_a_timer_that_comes_too_late_changes_nothing() -> None:
    chip, circuit = drive(*CLASSIC)
    circuit.on_timer(SETTLE_MS + 1)
    assert chip.heard == ["hold", "download"]


def test_reset_after_no_reset_leaves_the_loader_alone() -> None:
    # `--before no-reset` leaves DTR asserted, so RTS alone cannot pull EN low.
    chip, _ = drive(*CLASSIC[:3], (ASSERTED, ASSERTED), (ASSERTED, FREE))
    assert chip.heard == ["hold", "download"]
