"""Boot count and state outlive power, damage and a broken store."""

from kernel.errors import EVENT_STORE_DAMAGED, EVENT_STORE_FAILED
from kernel.state.keeper import Keeper
from support.script import MemoryStore, Script


def loaded(store):
    """Return a keeper after a boot, and what it reported."""
    out = Script()
    keeper = Keeper(store)
    keeper.load(out)
    return keeper, out


def test_boots_are_counted():
    store = MemoryStore()
    assert [loaded(store)[0].boots for _ in range(3)] == [1, 2, 3]


def test_state_comes_back_after_a_boot():
    store = MemoryStore()
    keeper, out = loaded(store)
    keeper.state["a"] = 5
    keeper.save_changes(out)
    assert loaded(store)[0].state["a"] == 5


def test_nothing_is_written_without_a_change():
    store = MemoryStore()
    keeper, out = loaded(store)
    keeper.state["a"] = 5
    keeper.save_changes(out)
    keeper.save_changes(out)
    assert store.writes == ["boots", "state"]


def test_a_damaged_record_starts_anew_and_is_reported():
    store = MemoryStore()
    keeper, out = loaded(store)
    keeper.state["a"] = 5
    keeper.save_changes(out)
    store.records = {"boots": b"damaged", "state": b""}
    keeper, out = loaded(store)
    assert (keeper.boots, len(keeper.state)) == (1, 0)
    assert out.reports == [(EVENT_STORE_DAMAGED, 0), (EVENT_STORE_DAMAGED, 1)]


def test_a_broken_store_is_reported_and_survived():
    store = MemoryStore()
    store.is_broken = True
    keeper, out = loaded(store)
    assert keeper.boots == 1
    keeper.state["a"] = 5
    keeper.save_changes(out)
    assert keeper.state["a"] == 5
    assert {event for event, _ in out.reports} == {EVENT_STORE_FAILED}
    assert out.reports[-1] == (EVENT_STORE_FAILED, 1)
