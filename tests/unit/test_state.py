"""`agent.state` and its record: kept when it changed, whole or not at all."""

from kernel.codec import cbor
from kernel.limits import STATE_BYTES_MAX
from kernel.state import record
from kernel.state.values import State
from support.script import raises


def test_a_record_comes_back():
    data = record.seal({"a": [1, 2]}, 100)
    assert record.unseal(data) == {"a": [1, 2]}


def test_every_damaged_bit_is_noticed():
    data = record.seal({"level": 421, "name": "x"}, 100)
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        raises(cbor.CborError, record.unseal, bytes(damaged))
    for length in range(len(data)):
        raises(cbor.CborError, record.unseal, data[:length])


def test_it_is_a_mapping():
    state = State({"a": 1})
    state["b"] = "two"
    assert state["a"] == 1 and state.get("b") == "two" and state.get("c", 3) == 3
    assert "a" in state and "c" not in state and len(state) == 2
    assert state.keys() == ["a", "b"] and state.as_dict() == {"a": 1, "b": "two"}
    del state["a"]
    raises(KeyError, state.__getitem__, "a")
    assert state.setdefault("n", 0) == 0 and state.setdefault("n", 5) == 0


def test_a_record_is_taken_once_per_change():
    state = State({})
    assert state.take_record() is None
    state["a"] = 1
    assert record.unseal(state.take_record()) == {"a": 1}
    assert state.take_record() is None
    state["a"] = 1
    assert state.take_record() is None  # the same value wears no flash
    del state["a"]
    assert record.unseal(state.take_record()) == {}


def test_a_list_changed_in_place_is_noticed():
    state = State({"log": []})
    state["log"].append(5)
    assert record.unseal(state.take_record()) == {"log": [5]}
    assert state["log"] == [5] and state.take_record() is None


def test_too_much_is_refused_and_the_old_value_stays():
    state = State({"a": 1})
    raises(ValueError, state.__setitem__, "a", bytes(STATE_BYTES_MAX))
    raises(ValueError, state.__setitem__, "b", object())
    raises(ValueError, state.__setitem__, 5, 1)
    assert state.as_dict() == {"a": 1} and state.take_record() is None
    state["a"] = bytes(STATE_BYTES_MAX - 10)
