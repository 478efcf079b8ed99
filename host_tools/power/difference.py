"""What a change costs: the energy of two versions of an application, by cause and state. Pure.

Shape: a use is uAh per day by (cause, power state); a cause is a handler or a part of the kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cma_toolkit.host_tools.power.model import battery_days

Use = Mapping[tuple[str, str], float]
_SHOWN_UAH = 0.05  # what shows in one decimal


@dataclass(frozen=True)
class Row:
    """One cause in one state, before and after; uAh per day."""

    cause: str
    state: str
    before: float
    after: float

    @property
    def more(self) -> float:
        """Return by how much it uses more."""
        return self.after - self.before


@dataclass(frozen=True)
class Difference:
    """Two versions, side by side; the largest change first."""

    rows: tuple[Row, ...]
    battery_mah: float

    @property
    def before(self) -> float:
        """Return what the first version uses in all."""
        return sum(row.before for row in self.rows)

    @property
    def after(self) -> float:
        """Return what the second version uses in all."""
        return sum(row.after for row in self.rows)

    @property
    def more(self) -> float:
        """Return by how much the second uses more."""
        return self.after - self.before

    def changed(self) -> list[Row]:
        """Return the rows in which there is a change to show."""
        return [row for row in self.rows if abs(row.more) >= _SHOWN_UAH]

    def by_cause(self) -> list[Row]:
        """Return the causes whose use changed, with all their states together."""
        causes: dict[str, list[Row]] = {}
        for row in self.rows:
            causes.setdefault(row.cause, []).append(row)
        whole = [
            Row(cause, "", sum(row.before for row in rows), sum(row.after for row in rows))
            for cause, rows in causes.items()
        ]
        return sorted(
            (row for row in whole if abs(row.more) >= _SHOWN_UAH), key=lambda row: -abs(row.more)
        )

    def days(self, uah_per_day: float) -> float:
        """Return how long the battery lasts with such a use."""
        return battery_days(self.battery_mah, uah_per_day)

    def days_more(self, row: Row) -> float:
        """Return what one change alone does to how long the battery lasts."""
        return self.days(self.before + row.more) - self.days(self.before)


def compare(before: Use, after: Use, battery_mah: float) -> Difference:
    """Put two uses side by side."""
    rows = [
        Row(*key, before.get(key, 0.0), after.get(key, 0.0)) for key in sorted({*before, *after})
    ]
    return Difference(tuple(sorted(rows, key=lambda row: -abs(row.more))), battery_mah)
