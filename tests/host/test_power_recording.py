"""A recording is cut into wakes and sleep, whatever its units; a bad one is one sentence."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.power.recording import Summary, bars, samples, summarise

SLEEP_UA, AWAKE_UA = 8.0, 60_000.0


def recorded(
    wakes: int, period_ms: int = 2_000, awake_ms: int = 400, step_ms: float = 1.0
) -> Iterator[tuple[float, float]]:
    """Yield the samples of a board that wakes in the middle of each period."""
    for index in range(round(wakes * period_ms / step_ms)):
        at_ms = index * step_ms
        into_ms = at_ms % period_ms - period_ms / 2
        yield at_ms, AWAKE_UA if 0 <= into_ms < awake_ms else SLEEP_UA


def lines(header: str, rows: list[str]) -> list[str]:
    """Return a file's lines."""
    return [header + "\n", *(row + "\n" for row in rows)]


def summary_of(wakes: int) -> Summary:
    """Return the summary of a made recording."""
    return summarise(recorded(wakes), "made")


def test_wakes_sleep_and_average_are_those_of_the_recording() -> None:
    found = summary_of(5)
    assert found.wakes == 5
    assert found.wake_uc / found.wakes == pytest.approx(AWAKE_UA * 0.4)
    assert found.wake_ms / found.wakes == pytest.approx(400)
    assert found.floor_ua == pytest.approx(SLEEP_UA)
    assert found.period_ms == pytest.approx(2_000)
    assert found.average_ua == pytest.approx(AWAKE_UA * 0.2 + SLEEP_UA * 0.8, rel=1e-3)
    assert found.least_uc == pytest.approx(found.most_uc)


def test_a_wake_that_the_recording_cuts_off_does_not_count() -> None:
    cut = [(at_ms, ua) for at_ms, ua in recorded(4) if 1_200 <= at_ms < 7_100]
    found = summarise(cut, "cut")
    assert found.wakes == 2 and found.wake_uc == pytest.approx(2 * AWAKE_UA * 0.4)


def test_a_short_dip_does_not_end_a_wake() -> None:
    dipped = [
        (at_ms, SLEEP_UA if at_ms % 2_000 in range(1_200, 1_215) else ua)
        for at_ms, ua in recorded(3)
    ]
    found = summarise(dipped, "dipped")
    assert found.wakes == 3 and found.wake_ms / 3 == pytest.approx(400)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 400_000)), min_size=2, max_size=200))
def test_no_charge_is_lost_or_made(steps: list[tuple[int, float]]) -> None:
    at_ms, made = 0, []
    for span_ms, ua in steps:
        made.append((float(at_ms), ua))
        at_ms += span_ms
    found = summarise(made, "made")
    spans = [span_ms for span_ms, _ in steps[:-1]]
    uc = sum(ua * span_ms / 1000 for span_ms, (_, ua) in zip(spans, steps, strict=False))
    assert found.charge_uc == pytest.approx(uc) and found.span_ms == sum(spans)
    assert sum(found.curve.charges) == pytest.approx(uc)
    assert found.wake_uc + found.sleep_uc <= uc * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize(
    ("header", "row", "sample"),
    [
        ("Timestamp(ms),Current(uA)", "1.5,20", (1.5, 20)),
        ("Timestamp(ms),Current(uA),D0-D7", "1.5,20,00000001", (1.5, 20)),
        ("\ufefftimestamp (ms),current (mA)", "1.5,0.02", (1.5, 20)),
        ("time_s,current_a", "0.0015,0.00002", (1.5, 20)),
        ("Voltage,Time [us],Current [nA]", "3.3,1500,20000", None),
        ("Current(µA),Time(s)", "20,0.0015", (1.5, 20)),
    ],
)
def test_columns_are_found_by_name_and_unit(
    header: str, row: str, sample: tuple[float, float] | None
) -> None:
    if sample is None:
        with pytest.raises(CmaError, match="names no time and current with their units"):
            list(samples(lines(header, [row]), "f.csv"))
        return
    assert list(samples(lines(header, [row, ""]), "f.csv")) == [pytest.approx(sample)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"f\.csv: its first line names no time"),
        ("a,b\n1,2\n", r"f\.csv: its first line names no time"),
        ("Timestamp(ms),Current(uA)\n1,x\n", r"f\.csv, line 2: is not a time and a current"),
        ("Timestamp(ms),Current(uA)\n1,2\n3\n", r"f\.csv, line 3: is not a time and a current"),
        ("Timestamp(ms),Current(uA)\n1,nan\n", r"f\.csv, line 2: is not a time and a current"),
        ("Timestamp(ms),Current(uA)\n2,2\n1,2\n", r"f\.csv, line 3: goes back in time"),
        ("Timestamp(ms),Current(uA)\n2,2\n", r"f\.csv: fewer than two samples"),
        ("Timestamp(ms),Current(uA)\n", r"f\.csv: fewer than two samples"),
    ],
)
def test_a_bad_file_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(CmaError, match=sentence) as error:
        summarise(samples(text.splitlines(keepends=True), "f.csv"), "f.csv")
    assert error.value.code == ExitCode.USAGE and error.value.message.endswith((".", ")."))


def test_a_long_recording_takes_no_memory() -> None:
    def peak_bytes(wakes: int) -> int:
        tracemalloc.start()
        summarise(recorded(wakes, step_ms=0.5), "long")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # Kept, the 216,000 samples that one has more would take 20 MB.
    assert peak_bytes(60) < peak_bytes(6) + 100_000


def test_the_bars_show_the_wakes() -> None:
    shown = bars(summary_of(4).curve)
    assert 30 <= len(shown) <= 60
    assert {min(shown), max(shown)} == {" ", "█"} or shown.count(max(shown)) > 3
