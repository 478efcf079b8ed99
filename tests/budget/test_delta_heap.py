"""A delta is applied within its budget of heap, and not within half of it.

The figure searches for the smallest; here both are tried once, so that growth is noticed at once.
"""

from pathlib import Path

from bench.figure_delta_heap import AT_MOST, Bench

from support.updating import changed, image


def test_blocks_are_made_in_their_budget(tmp_path: Path) -> None:
    old = image(1, 20_000)
    bench = Bench(tmp_path, old, changed(old) + old[::-1])
    base = bench.smallest(False)
    assert bench.is_enough(base + AT_MOST, True), bench.said
    assert not bench.is_enough(base + AT_MOST // 2, True)
    assert "MemoryError" in bench.said
