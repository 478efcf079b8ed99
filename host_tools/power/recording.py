"""What a power profiler recorded: wakes, the floor between them, the average. Pure.

A recording of an hour at 100,000 samples per second is several gigabytes: it is read line by line
and nothing of it is kept but sums.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cma_toolkit.host_tools.errors import CmaError, usage

THRESHOLD_UA = 5_000.0  # above it a board is awake: no sleep draws as much, no processor as little
MERGE_MS = 20.0  # a shorter dip does not end a wake
BINS = 30

_TIME = re.compile(r"^(?:time ?stamp|time|t)\W*_?\(?(s|ms|us|µs)\)?$", re.IGNORECASE)
_CURRENT = re.compile(r"^(?:current|i)\W*_?\(?(na|ua|µa|μa|ma|a)\)?$", re.IGNORECASE)
_MS_PER = {"s": 1000.0, "ms": 1.0, "us": 0.001, "µs": 0.001}
_UA_PER = {"na": 0.001, "ua": 1.0, "µa": 1.0, "μa": 1.0, "ma": 1000.0, "a": 1_000_000.0}

Sample = tuple[float, float]


@dataclass
class Curve:
    """The mean current over time in at most twice BINS steps, however long it becomes."""

    step_ms: float = 1.0
    charges: list[float] = field(default_factory=list)

    def add(self, at_ms: float, charge: float) -> None:
        """Add a charge at a time since the beginning."""
        index = int(at_ms / self.step_ms)
        while index >= 2 * BINS:
            self.charges = [sum(self.charges[i : i + 2]) for i in range(0, len(self.charges), 2)]
            self.step_ms *= 2
            index = int(at_ms / self.step_ms)
        self.charges += [0.0] * (index + 1 - len(self.charges))
        self.charges[index] += charge

    def means_ua(self) -> list[float]:
        """Return the mean current of each step."""
        return [charge / self.step_ms * 1000 for charge in self.charges]


@dataclass
class Summary:
    """The sums over one recording; charges in µC."""

    span_ms: float = 0.0
    charge_uc: float = 0.0
    wakes: int = 0  # those that begin and end in the recording
    wake_uc: float = 0.0
    wake_ms: float = 0.0
    least_uc: float = math.inf
    most_uc: float = 0.0
    sleep_ms: float = 0.0
    sleep_uc: float = 0.0
    first_at_ms: float = 0.0  # the beginnings of the first and of the last whole wake
    last_at_ms: float = 0.0
    curve: Curve = field(default_factory=Curve)

    @property
    def average_ua(self) -> float:
        """Return the mean current of the whole recording."""
        return self.charge_uc / self.span_ms * 1000

    @property
    def floor_ua(self) -> float:
        """Return the mean current between wakes."""
        return self.sleep_uc / self.sleep_ms * 1000 if self.sleep_ms else 0.0

    @property
    def period_ms(self) -> float:
        """Return the time from one wake to the next, 0 with a single one."""
        return (self.last_at_ms - self.first_at_ms) / max(1, self.wakes - 1)


def samples(lines: Iterable[str], name: str) -> Iterator[Sample]:
    """Yield (milliseconds, microamperes) of a CSV file with a header.

    Shape: a Nordic PPK2's `Timestamp(ms),Current(uA)`, or any that names a time and a current
    with their units; other columns are left alone.
    Raises: CmaError 2 naming file and line.
    """
    rows = csv.reader(lines)
    try:
        header = [cell.strip().lstrip("\ufeff") for cell in next(rows)]
        time_at, ms_per = _column(header, _TIME, _MS_PER)
        current_at, ua_per = _column(header, _CURRENT, _UA_PER)
    except (StopIteration, csv.Error, LookupError) as error:
        raise usage(
            f"{name}: its first line names no time and current with their units: "
            "it should read Timestamp(ms),Current(uA)."
        ) from error
    try:
        for row in rows:
            if not row:
                continue
            at_ms, ua = float(row[time_at]) * ms_per, float(row[current_at]) * ua_per
            if not (math.isfinite(at_ms) and math.isfinite(ua)):
                raise ValueError(row)
            yield at_ms, ua
    except (ValueError, IndexError, csv.Error) as error:
        raise _bad_line(name, rows.line_num, "is not a time and a current") from error


def summarise(
    recorded: Iterable[Sample], name: str, threshold_ua: float = THRESHOLD_UA
) -> Summary:
    """Add up a recording.

    Raises: CmaError 2 if it is too short, or its time runs backwards.
    """
    summary = Summary()
    walk = _Walk(summary, threshold_ua)
    before: Sample | None = None
    began_ms, line = 0.0, 1
    for at_ms, ua in recorded:
        line += 1
        if before is None:
            began_ms = at_ms
        elif at_ms < before[0]:
            raise _bad_line(name, line, "goes back in time")
        else:
            walk.add(before[0] - began_ms, at_ms - before[0], before[1])
        before = (at_ms, ua)
    if not summary.span_ms:
        raise usage(f"{name}: fewer than two samples: record a few wakes and save them as CSV.")
    walk.end()
    return summary


class _Walk:
    """Cut the time into wakes and sleep; what is cut off at either end is no whole wake."""

    def __init__(self, summary: Summary, threshold_ua: float) -> None:
        self._summary = summary
        self._threshold_ua = threshold_ua
        self._is_awake = False
        self._is_whole = False  # the wake that is under way began in the recording
        self._has_slept = False
        self._began_ms = 0.0
        self._uc = self._ms = 0.0
        self._dip_uc = self._dip_ms = 0.0  # below the threshold, since

    def add(self, at_ms: float, span_ms: float, ua: float) -> None:
        """Add a current that flowed for some time."""
        uc = ua * span_ms / 1000
        self._summary.span_ms += span_ms
        self._summary.charge_uc += uc
        self._summary.curve.add(at_ms, uc)
        if ua >= self._threshold_ua:
            if not self._is_awake:
                self._is_awake, self._is_whole, self._began_ms = True, self._has_slept, at_ms
            self._uc += self._dip_uc + uc
            self._ms += self._dip_ms + span_ms
            self._dip_uc = self._dip_ms = 0.0
        elif self._is_awake:
            self._dip_uc += uc
            self._dip_ms += span_ms
            if self._dip_ms >= MERGE_MS:
                self._close()
        else:
            self._sleep(uc, span_ms)

    def end(self) -> None:
        """Leave out a wake that the recording cuts off."""
        if not self._is_awake:
            return
        if self._dip_ms:
            self._close()

    def _close(self) -> None:
        summary = self._summary
        if self._is_whole:
            if not summary.wakes:
                summary.first_at_ms = self._began_ms
            summary.last_at_ms = self._began_ms
            summary.wakes += 1
            summary.wake_uc += self._uc
            summary.wake_ms += self._ms
            summary.least_uc = min(summary.least_uc, self._uc)
            summary.most_uc = max(summary.most_uc, self._uc)
        self._sleep(self._dip_uc, self._dip_ms)
        self._is_awake = False
        self._uc = self._ms = self._dip_uc = self._dip_ms = 0.0

    def _sleep(self, uc: float, span_ms: float) -> None:
        self._has_slept = True
        self._summary.sleep_uc += uc
        self._summary.sleep_ms += span_ms


def bars(curve: Curve) -> str:
    """Return the curve as one line of bars: each step up is a factor of about three."""
    marks = " ▁▂▃▄▅▆▇█"
    means = curve.means_ua()
    return "".join(
        marks[min(len(marks) - 1, max(0, round(2 * math.log10(max(ua, 1.0)) - 2)))] for ua in means
    )


def _column(
    header: list[str], pattern: re.Pattern[str], units: dict[str, float]
) -> tuple[int, float]:
    for index, cell in enumerate(header):
        if match := pattern.match(cell):
            return index, units[match[1].lower()]
    raise LookupError


def _bad_line(name: str, line: int, what: str) -> CmaError:
    return usage(f"{name}, line {line}: {what}: export the recording anew, or mend that line.")
