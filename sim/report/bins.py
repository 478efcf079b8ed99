"""Amounts and levels over time, in bins that grow with the run; for CPython only.

However long a run lasts, its series have at most BINS_MAX entries: when time passes beyond the
last bin, each two become one, so that nobody needs to know the length of a run beforehand.
"""

BINS_MAX = 240
_FIRST_BIN_MS = 1_000

Series = list[int]
Levels = list[int | None]


class Bins:
    """The time axis of a recording and everything that is drawn over it."""

    def __init__(self) -> None:
        self.bin_ms = _FIRST_BIN_MS
        self._amounts: list[Series] = []
        self._levels: list[Levels] = []

    def amounts(self) -> Series:
        """Return a new series of amounts: two bins that become one are added."""
        series = [0] * BINS_MAX
        self._amounts.append(series)
        return series

    def levels(self) -> Levels:
        """Return a new series of levels: of two bins that become one the later stays."""
        series: Levels = [None] * BINS_MAX
        self._levels.append(series)
        return series

    def place(self, at_ms: int) -> int:
        """Return the bin of an instant; bins grow until there is one."""
        while at_ms // self.bin_ms >= BINS_MAX:
            self._grow()
        return at_ms // self.bin_ms

    def spread(self, series: Series, from_ms: int, to_ms: int, amount: int) -> None:
        """Add an amount that came about evenly in a span, to the last whole unit."""
        if not amount or to_ms <= from_ms:
            return
        last = self.place(to_ms - 1)
        done = 0
        for place in range(from_ms // self.bin_ms, last):
            until_ms = (place + 1) * self.bin_ms - from_ms
            share = amount * until_ms // (to_ms - from_ms) - done
            series[place] += share
            done += share
        series[last] += amount - done

    def _grow(self) -> None:
        self.bin_ms *= 2
        rest = BINS_MAX // 2
        for series in self._amounts:
            series[:] = [a + b for a, b in zip(series[::2], series[1::2], strict=True)]
            series.extend([0] * rest)
        for levels in self._levels:
            pairs = zip(levels[::2], levels[1::2], strict=True)
            levels[:] = [a if b is None else b for a, b in pairs]
            levels.extend([None] * rest)
