"""The model predicts what others measured, from spans and the currents of our board files."""

import csv
import re
from pathlib import Path

import pytest

from cma_toolkit.boards.load import Board, default_board_id, list_boards, load_board
from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.power.model import (
    SUPPLY_V,
    air_ms,
    battery_days,
    break_even_s,
    budget,
    charge_uc,
    current_of,
    quiet_listen_ms,
)
from cma_toolkit.host_tools.power.parts import (
    PSRAM_HEAP_MS,
    RADIO_MS,
    RETRIES_MS,
    VALIDATION_MS,
    Part,
    boot,
)

ROWS = Path(__file__).with_name("power_measured.csv").read_text()
MEASURED = list(csv.DictReader(ROWS.splitlines()))
TOLERANCE = 0.10
SMALL_FRAME = Part("one small frame", "wifi_tx", 0.6)
RADIO = Part("radio", "active", RADIO_MS)
OLD_FIRMWARE = [
    Part("heap", "one_core", PSRAM_HEAP_MS),
    Part("the script's own 10 ms", "modem_sleep", 10),
]
VALIDATION = Part("validation", "one_core", VALIDATION_MS)
RETRIES = Part("retries", "wifi_tx", RETRIES_MS)


def parts_of(what: str, chip: str) -> list[Part]:
    """Return the parts of a recorded wake."""
    if "ESP-NOW" in what:
        sent = [*boot(chip, "frozen"), RADIO, SMALL_FRAME]
        return [*sent, RETRIES] if "without" in what else sent
    if "frozen" in what:
        return boot(chip, "frozen", has_radio=False)
    return [*boot(chip, "stock"), *OLD_FIRMWARE, *([VALIDATION] if "old" in what else [])]


def predicted(row: dict[str, str]) -> float:
    """Return what the model says of a recording, in its unit."""
    chip, base_ua = row["chip"], float(row["base_ma"]) * 1000
    currents = load_board(default_board_id(chip)).current_ua
    if row["unit"] == "mC":
        return charge_uc(parts_of(row["what"], chip), chip, currents, base_ua) / 1000
    share = 1.0 if row["what"] == "listening" else 0.0
    if cycle := re.search(r"(\d+) ms per (\d+) ms", row["what"]):
        share = int(cycle[1]) / int(cycle[2])
    on_ua, off_ua = (
        current_of(state, chip, currents, base_ua) for state in ("wifi_rx", "modem_sleep")
    )
    return (share * on_ua + (1 - share) * off_ua) * SUPPLY_V / 1000


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row['chip']} {row['what']}")
def test_a_recording_is_predicted_within_ten_percent(row: dict[str, str]) -> None:
    assert predicted(row) == pytest.approx(float(row["measured"]), rel=TOLERANCE)


def test_the_spans_of_a_recorded_wake_are_those_of_its_parts() -> None:
    for row in MEASURED:
        if span := re.match(r"([\d.]+) ms", row["what"]):
            total = sum(part.span_ms for part in parts_of(row["what"], row["chip"]))
            assert total == pytest.approx(float(span[1]), abs=1.0), row["what"]


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.id)
def test_a_budget_adds_up(board: Board) -> None:
    for kind in ("stock", "frozen"):
        result = budget(board, kind, 60_000)
        assert sum(share.part.span_ms for share in result.shares) == pytest.approx(60_000)
        per_day = sum(result.per_day_uah(share) for share in result.shares)
        assert result.uah_per_day == pytest.approx(per_day)
        assert result.average_mw == pytest.approx(result.average_ua * SUPPLY_V / 1000)
        assert battery_days(3000, result.uah_per_day) * result.uah_per_day == pytest.approx(3e6)


def test_what_makes_a_wake_longer_costs_more() -> None:
    board = load_board("esp32-s3-devkitc-1")
    base = budget(board, "stock", 60_000).average_ua
    assert budget(board, "frozen", 60_000).average_ua < base
    assert budget(board, "stock", 120_000).average_ua < base
    assert budget(board, "stock", 60_000, listen_ms=200).average_ua > base
    assert budget(board, "stock", 60_000, report_bytes=250).average_ua > base
    assert budget(board, "stock", 60_000, start_ms=100).average_ua > base


def test_the_agent_sleeps_as_deep_as_is_cheaper() -> None:
    for board in list_boards():
        gap_ms = round(break_even_s(board) * 1000)
        for period_ms, is_deep_better in ((gap_ms // 4, False), (gap_ms * 4, True)):
            deep, light = (
                budget(board, "stock", max(period_ms, 1500), is_light=is_light)
                for is_light in (False, True)
            )
            assert (deep.average_ua < light.average_ua) is is_deep_better, board.id


def test_air_time_is_that_of_the_kernel() -> None:
    assert air_ms(250) == pytest.approx((192 + 8 * 293) / 1000)
    assert quiet_listen_ms(60_000) == 12 and quiet_listen_ms(60_000, 300) == 308


def test_a_wake_that_does_not_fit_its_period_is_refused() -> None:
    with pytest.raises(CmaError, match=r"A wake takes \d+ ms, the period is 400 ms"):
        budget(load_board("esp32-s3-devkitc-1"), "stock", 400)
