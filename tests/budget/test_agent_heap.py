"""The whole agent lives in the heap that it may have, and not in half of it.

The figure searches for the smallest; here it is tried once, so that growth is noticed at once.
"""

from pathlib import Path

from support.agent_heap import HEAP_BYTES, Bench


def test_the_whole_agent_lives_in_its_budget(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.live(HEAP_BYTES).is_whole, bench.last_output[-2000:]


def test_a_heap_that_is_too_small_is_noticed(tmp_path: Path) -> None:
    assert not Bench(tmp_path).live(HEAP_BYTES // 2).is_whole
