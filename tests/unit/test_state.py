"""`agent.state`: a mapping that knows what of it is not on flash yet."""

from kernel.codec import cbor
from kernel.limits import STATE_BYTES_MAX, STATE_KEY_BYTES_MAX, STATE_KEYS_MAX
from kernel.state.values import State
from support.script import MemoryTable, raises


def stored(state, table):
    """Store all changes; return the keys that were written."""
    if not state.find_changes():
        return []
    state.stage(table, True, True)
    table.commit()
    state.on_stored()
    return table.commits[-1]


def test_it_is_a_mapping():
    state = State()
    state["a"] = 1
    state["b"] = "two"
    assert state["a"] == 1 and state.get("b") == "two" and state.get("c", 3) == 3
    assert "a" in state and "c" not in state and len(state) == 2
    assert state.keys() == ["a", "b"] and state.as_dict() == {"a": 1, "b": "two"}
    del state["a"]
    raises(KeyError, state.__getitem__, "a")
    raises(KeyError, state.__delitem__, "a")
    assert state.setdefault("n", 0) == 0 and state.setdefault("n", 5) == 0


def test_a_change_costs_its_own_key_only():
    state, table = State(), MemoryTable()
    state["a"], state["b"] = 1, 2
    assert stored(state, table) == [b"sa", b"sb"]
    state["b"] = 3
    assert stored(state, table) == [b"sb"]
    assert stored(state, table) == []
    del state["a"]
    assert stored(state, table) == [b"sa"]
    assert table.values == {b"sb": b"\x03"}


def test_it_comes_back_from_a_table():
    state, table = State(), MemoryTable()
    state["level"], state["log"] = 421, [1, {"x": None}]
    stored(state, table)
    table.values[b"boot"] = b"not ours"
    again = State()
    assert again.load(table) == 0
    assert again.as_dict() == state.as_dict() and not again.find_changes()


def test_a_damaged_value_is_left_out_and_counted():
    table = MemoryTable()
    table.values = {b"sgood": b"\x01", b"sbad": b"\x82\x01", b"s\xff": b"\x01"}
    state = State()
    assert state.load(table) == 2
    assert state.as_dict() == {"good": 1}


def test_a_list_changed_in_place_is_noticed():
    state, table = State(), MemoryTable()
    state["log"] = []
    stored(state, table)
    state["log"].append(5)
    assert stored(state, table) == [b"slog"]
    assert table.values[b"slog"] == cbor.encode([5])
    assert state["log"] == [5] and not state.find_changes()


def test_a_list_that_somebody_holds_is_watched_for_ever():
    state, table = State(), MemoryTable()
    state["log"] = []
    held = state["log"]
    for number in range(3):
        held.append(number)
        assert stored(state, table) == [b"slog"]
    assert not state.find_changes()
    state["log"] = [9]
    stored(state, table)
    held.append(3)
    assert not state.find_changes() and table.values[b"slog"] == cbor.encode([9])


def test_keys_have_a_number():
    state = State()
    for number in range(STATE_KEYS_MAX):
        state["%d" % number] = 0
    raises(ValueError, state.__setitem__, "x", 0)
    state["0"] = 1
    del state["0"]
    state["x"] = 0


def test_a_list_changed_into_nonsense_is_what_it_was():
    state, table = State(), MemoryTable()
    state["log"], state["n"] = [1], 1
    stored(state, table)
    state["log"].append(object())
    state["n"] = 2
    raises(cbor.CborError, state.find_changes)
    assert state["log"] == [1]
    assert stored(state, table) == [b"sn"]


def test_too_much_is_refused_and_the_old_value_stays():
    state = State()
    state["a"] = 1
    raises(ValueError, state.__setitem__, "a", bytes(STATE_BYTES_MAX))
    raises(ValueError, state.__setitem__, "b", object())
    raises(ValueError, state.__setitem__, 5, 1)
    raises(ValueError, state.__setitem__, "", 1)
    raises(ValueError, state.__setitem__, "k" * (STATE_KEY_BYTES_MAX + 1), 1)
    assert state.as_dict() == {"a": 1}


def test_all_keys_together_have_a_bound():
    state = State()
    used = 0
    for number in range(40):
        try:
            state["k%02d" % number] = bytes(50)
        except ValueError:
            break
        used += 1 + 3 + 2 + 50
    assert used <= STATE_BYTES_MAX < used + 56
    del state["k00"]
    state["again"] = bytes(48)


def test_the_bound_is_kept_to_the_last_byte():
    most_bytes = STATE_BYTES_MAX - 1 - 1 - 3  # the key, its prefix, the head of so many bytes
    for room in (0, 1, 2, 3):
        state = State()
        state["a"] = bytes(most_bytes - room)
        assert len(stored(state, MemoryTable())) == 1
        raises(ValueError, state.__setitem__, "a", bytes(most_bytes + 1))
        if room < 3:  # the shortest value takes three: a prefix, a key and one byte
            raises(ValueError, state.__setitem__, "b", 0)
            assert state.keys() == ["a"]
        else:
            state["b"] = 0
            raises(ValueError, state.__setitem__, "b", 24)
        state["a"] = bytes(most_bytes - room)


def test_a_critical_key_is_told_apart():
    state = State()
    assert not state.has_critical()
    state.critical("valve", "dose")
    state["other"] = 1
    assert state.find_changes() and not state.is_critical_changed()
    state["dose"] = 1
    assert state.find_changes() and state.is_critical_changed()
