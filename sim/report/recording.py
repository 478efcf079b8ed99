"""Turn what a recorder kept into plain data for the page; for CPython only."""

from typing import TYPE_CHECKING, Any

from cma_toolkit.sim.report.bins import Bins, Series
from cma_toolkit.sim.report.life import shorten

if TYPE_CHECKING:
    from cma_toolkit.sim.report.recorder import Recorder


def plain(recorder: "Recorder", links_max: int) -> dict[str, Any]:
    """Return the recording; series end with the bin in which the run ended."""
    fleet, bins = recorder.fleet, recorder.bins
    count = bins.place(max(0, recorder.end_ms - 1)) + 1
    links, left_out = _links(recorder.links, links_max)
    return {
        "end_ms": recorder.end_ms,
        "bin_ms": bins.bin_ms,
        "places": [list(position) for position in fleet.places.positions_cm],
        "links": links,
        "links_left_out": left_out,
        "faults": recorder.faults,
        "sent": recorder.sent_frames[:count],
        "heard": recorder.heard_frames[:count],
        "errors": recorder.errors[:count],
        "known_permille": recorder.known_permille[:count],
        "used_uah": {name: row[:count] for name, row in recorder.used_uah.items()},
        "agree_permille": {key: row[:count] for key, row in recorder.agree_permille.items()},
        "has_energy": any(view.used_uah for view in recorder.views),
        "has_supply": bool(recorder.charge_percent),
        "agents": [_agent(recorder, index, count) for index in range(len(fleet.names))],
    }


def _links(links: list[dict[int, int]], links_max: int) -> tuple[list[list[int]], int]:
    """Return [agent, other, frames there, frames back] of the busiest pairs, and how many more."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for source, targets in enumerate(links):
        for target, frames in targets.items():
            pair = (min(source, target), max(source, target))
            pairs.setdefault(pair, [0, 0])[source > target] += frames
    by_frames = sorted(pairs, key=lambda pair: (-sum(pairs[pair]), pair))
    drawn = [0] * len(links)
    kept = []
    for one, other in by_frames:
        if drawn[one] < links_max or drawn[other] < links_max:
            drawn[one] += 1
            drawn[other] += 1
            kept.append([one, other, *pairs[one, other]])
    return kept, len(pairs) - len(kept)


def _agent(recorder: "Recorder", index: int, count: int) -> dict[str, Any]:
    fleet, bins, view = recorder.fleet, recorder.bins, recorder.views[index]
    board, life = fleet.boards[index], recorder.lives[index]
    span_ms = recorder.end_ms

    def percent(series: Series) -> list[int]:
        return [_percent(bins, row, place, span_ms) for place, row in enumerate(series[:count])]

    return {
        "name": fleet.names[index],
        "charge": recorder.charge_percent[index][:count] if board.power is not None else [],
        "supply": board.power.status() if board.power is not None else None,
        "asleep": percent(recorder.asleep_ms[index]),
        "radio": percent(recorder.radio_ms[index]),
        "dark": percent(recorder.dark_ms[index]),
        "frames": recorder.frames[index][:count],
        **board.sleep(),
        "dark_ms": sum(recorder.dark_ms[index]),
        "air": fleet.radio.counts(index),
        "heard": sum(links.get(index, 0) for links in recorder.links),
        "neighbours": view.neighbours,
        "in_reach": len(fleet.radio.in_reach(index)),
        "used_uah": view.used_uah,
        "errors": view.errors,
        "state": {key: shorten(value) for key, value in sorted(view.state.items())},
        "lines": [list(line) for line in life.lines(recorder.name_of)],
        "lines_total": life.total,
    }


def _percent(bins: Bins, amount_ms: int, place: int, end_ms: int) -> int:
    width_ms = min(bins.bin_ms, end_ms - place * bins.bin_ms)
    return min(100, (amount_ms * 100 + width_ms // 2) // max(1, width_ms))
