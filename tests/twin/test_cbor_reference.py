"""The kernel's CBOR against cbor2, the standard's own examples, and whatever hypothesis finds."""

import json
import math
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.codec import cbor

VECTORS = json.loads((Path(__file__).parent / "vectors/rfc8949_appendix_a.json").read_text())
# Not in our subset: bignums and tags, indefinite lengths, undefined and other simple values.
OUTSIDE = {"undefined", "simple"}

keys = st.one_of(st.integers(-(2**64), 2**64 - 1), st.text(max_size=8), st.binary(max_size=8))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**64), 2**64 - 1), st.floats(), st.text(max_size=20),
    st.binary(max_size=20),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


def reference(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


@given(values.filter(lambda value: depth_of(value) <= 8))
@settings(max_examples=400, deadline=None)
def test_encodings_are_those_of_cbor2_in_the_order_of_rfc_8949(value: Any) -> None:
    # cbor2's `canonical` sorts keys by length first (RFC 7049); read it back to compare values.
    encoded = cbor.encode(value, 4096)
    assert len(encoded) == len(reference(value))
    read = cbor2.loads(encoded)
    assert reference(read) == reference(value)
    assert cbor.encode(cbor.decode(encoded), 4096) == encoded


@given(scalars)
@settings(max_examples=400, deadline=None)
def test_scalars_are_byte_for_byte_those_of_cbor2(value: Any) -> None:
    assert cbor.encode(value) == reference(value)


@given(st.binary(max_size=60))
@settings(max_examples=800, deadline=None)
def test_garbage_is_refused_or_is_deterministic(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return
    assert cbor.encode(value) == data
    assert reference(cbor2.loads(data)) == reference(value)


@given(values.filter(lambda value: depth_of(value) <= 8), st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_encodings_never_crash(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(value, 4096))
    index = data.draw(st.integers(0, len(encoded) - 1))
    encoded[index] ^= data.draw(st.integers(1, 255))
    try:
        again = cbor.decode(encoded)
    except cbor.CborError:
        return
    assert cbor.encode(again, 4096) == bytes(encoded)


def is_ours(vector: dict[str, Any]) -> bool:
    """Tell whether a vector is deterministic and within the subset, by the standard's words."""
    data = bytes.fromhex(vector["hex"])
    try:
        value = cbor2.loads(data)
        # cbor2 sorts no keys unless asked; the examples' keys are in order.
        same = reference(value) == data
    except cbor2.CBORError:
        return False
    plain = isinstance(value, int | float | str | bytes | list | dict | bool | type(None))
    big = isinstance(value, int) and not -(2**64) <= value < 2**64
    return vector["roundtrip"] and same and plain and not big


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"][:24])
def test_the_examples_of_the_standard(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    if not is_ours(vector):
        with pytest.raises(cbor.CborError):
            cbor.decode(data)
        return
    value = cbor.decode(data)
    assert cbor.encode(value) == data
    if "decoded" in vector:
        assert value == vector["decoded"]
    elif isinstance(value, float):
        assert math.isnan(value) or math.isinf(value)


def test_most_examples_are_within_the_subset() -> None:
    assert sum(map(is_ours, VECTORS)) >= 50
