"""State goes to flash at once if it is critical, a little later if not, and never twice."""

from kernel.errors import EVENT_STORE_DAMAGED, EVENT_STORE_FAILED
from kernel.state.keeper import Keeper
from support.no_heap import out_of_heap
from support.script import MemoryTable, Script


def loaded(table):
    """Return a keeper after a boot, and its sink."""
    out = Script()
    keeper = Keeper(table)
    keeper.load(out)
    return keeper, out


def test_a_change_waits_until_it_is_written():
    table = MemoryTable()
    keeper, out = loaded(table)
    assert not keeper.look() and not keeper.is_waiting
    keeper.state["a"] = 5
    assert not keeper.look() and keeper.is_waiting and not keeper.is_blocked
    assert keeper.write(out) > 0 and not keeper.is_waiting
    assert keeper.write(out) == 0 and len(table.commits) == 1
    assert loaded(table)[0].state["a"] == 5


def test_a_critical_change_blocks_until_it_is_written():
    keeper, out = loaded(MemoryTable())
    keeper.state.critical("valve")
    keeper.state["valve"] = True
    assert keeper.look() and keeper.is_blocked
    keeper.write(out)
    assert not keeper.is_blocked


def test_a_damaged_value_is_reported():
    table = MemoryTable()
    table.values = {b"sa": b"\x01", b"sb": b"\xff"}
    keeper, out = loaded(table)
    assert keeper.state.as_dict() == {"a": 1}
    assert out.reports == [(EVENT_STORE_DAMAGED, 1)]


def test_what_cannot_be_read_is_not_written_over():
    table = MemoryTable()
    table.values = {b"sn": b"\x19\x30\x39"}
    table.is_broken = True
    keeper, out = loaded(table)
    assert keeper.is_lost and out.reports == [(EVENT_STORE_FAILED, 1)]
    table.is_broken = False
    keeper.state["n"] = 0
    keeper.look()
    assert keeper.write(out) == 0 and table.values == {b"sn": b"\x19\x30\x39"}
    assert loaded(table)[0].state["n"] == 12_345


def test_a_table_that_breaks_is_reported_and_survived():
    table = MemoryTable()
    keeper, out = loaded(table)
    table.is_broken = True
    keeper.state.critical("a")
    keeper.state["a"] = 5
    assert keeper.look() and keeper.write(out) == 0
    assert keeper.is_blocked and keeper.state["a"] == 5
    assert keeper.write(out) == 0 and keeper.has_failed
    assert out.reports == [(EVENT_STORE_FAILED, 1)]
    table.is_broken = False
    assert keeper.write(out) > 0 and not keeper.is_blocked
    assert table.values == {b"sa": b"\x05"}


def test_what_others_staged_goes_with_the_next_commit():
    table = MemoryTable()
    keeper, out = loaded(table)
    table.put(b"crash", b"x")
    keeper.on_staged()
    assert not keeper.look() and keeper.is_waiting
    assert keeper.write(out) > 0 and table.values == {b"crash": b"x"}
    assert not keeper.look() and not keeper.is_waiting


class Narrow(MemoryTable):
    """A table whose commits hold four changes at most."""

    def commit(self):
        """Refuse what is too much."""
        if len(self._staged) > 4:
            raise OSError(28)
        return super().commit()


def test_what_is_deleted_makes_room_first():
    table = Narrow()
    keeper, out = loaded(table)
    for number in range(4):
        keeper.state["a%d" % number] = number
    keeper.look()
    keeper.write(out)
    for number in range(4):
        del keeper.state["a%d" % number]
        keeper.state["b%d" % number] = number
    keeper.look()
    assert keeper.write(out) > 0 and out.reports == []
    assert sorted(table.values) == [b"sb0", b"sb1", b"sb2", b"sb3"]


def test_without_heap_to_write_nothing_is_lost():
    table = MemoryTable()
    keeper, out = loaded(table)
    keeper.state.critical("a")
    keeper.state["a"] = 5
    real, table.commit = table.commit, out_of_heap
    assert keeper.look() and keeper.write(out) == 0
    assert keeper.is_blocked and keeper.has_failed and not table.values
    assert out.reports == [(EVENT_STORE_FAILED, 1)]
    table.commit = real
    assert keeper.look() and keeper.write(out) > 0
    assert not keeper.is_blocked and table.values == {b"sa": b"\x05"}


def test_without_heap_to_look_nothing_is_written_by_halves_or_said():
    table = MemoryTable()
    keeper, out = loaded(table)
    keeper.state.critical("a")
    keeper.state["b"] = 1
    real, keeper.state.find_changes = keeper.state.find_changes, out_of_heap
    assert keeper.look() and keeper.is_blocked and keeper.is_waiting
    assert keeper.write(out) == 0 and not table.values
    keeper.state.find_changes = real
    assert not keeper.look() and keeper.write(out) > 0
    assert table.values == {b"sb": b"\x01"} and not keeper.has_failed
