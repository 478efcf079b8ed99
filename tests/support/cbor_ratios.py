"""The kernel's CBOR against MicroPython's json, for the figures: one row per message and way."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from support import shipped


@dataclass(frozen=True)
class Row:
    """How many times the time of json a way with a message takes."""

    message: str
    way: str
    ratio: float


def measure_rows(say: Callable[[str], None], what: str) -> list[Row]:
    """Time "generic" or "template" now."""
    rows = []
    for name, ours_ns, json_ns in json.loads(shipped.run(["cbor_speed", "speed", "heap"], what)):
        message, way = name.split(", ")
        rows.append(Row(message, way, ours_ns / json_ns))
        say(f"{name}: {ours_ns / 1000:.1f} us, json {json_ns / 1000:.1f} us: {rows[-1].ratio:.2f}")
    return rows


def mean(rows: list[Row]) -> float:
    """Return the geometric mean; of two readers the slower one counts."""
    worst: dict[tuple[str, bool], float] = {}
    for row in rows:
        key = row.message, row.way == "encode"
        worst[key] = max(row.ratio, worst.get(key, 0.0))
    product = 1.0
    for ratio in worst.values():
        product *= ratio
    return float(product ** (1 / len(worst)))
