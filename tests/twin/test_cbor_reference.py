"""The kernel's CBOR against cbor2, the standard's own examples, and whatever hypothesis finds."""

import functools
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.cbor import SIMPLE, Tag
from support import cbor_appendix, cbor_fuzz

MEANT = {2, 3, *cbor_fuzz.REFERENCES}

integers = st.integers(-(2**64), 2**64 - 1)
bignums = st.integers(-(2**511), 2**511)
scalars = st.one_of(
    st.none(), st.booleans(), integers, bignums, st.floats(), st.text(max_size=30),
    st.binary(max_size=30), st.sampled_from([*range(20), 23, *range(32, 256)]).map(
        lambda number: Tag(SIMPLE, number)
    ),
)  # fmt: skip
numbers = st.integers(0, 2**64 - 1).filter(lambda number: number not in MEANT)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return arrays, maps and tags of what is inside."""
    return st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(integers, st.text(max_size=30)), inner, max_size=5),
        st.dictionaries(st.one_of(integers, st.binary(max_size=30)), inner, max_size=5),
        st.builds(Tag, numbers, inner),
    )


values = st.recursive(scalars, containers, max_leaves=12)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, Tag) and value.number != SIMPLE:
        return 1 + depth_of(value.value)
    return 0


shallow = values.filter(lambda value: depth_of(value) <= 8)


def for_cbor2(value: Any) -> Any:
    """Return a value in the types of cbor2, maps in the order of RFC 8949."""
    if isinstance(value, Tag):
        if value.number != SIMPLE:
            return cbor2.CBORTag(value.number, for_cbor2(value.value))
        return cbor2.undefined if value.value == 23 else cbor2.CBORSimpleValue(value.value)
    if isinstance(value, list):
        return [for_cbor2(item) for item in value]
    if isinstance(value, dict):
        # cbor2's `canonical` has the older order, by length first (RFC 7049): it must not sort.
        keys = sorted(value, key=functools.partial(cbor2.dumps, canonical=True))
        return {key: for_cbor2(value[key]) for key in keys}
    return value


def reference(value: Any) -> bytes:
    """Return what cbor2 makes of a value: canonical but for the order, which is ours to give."""
    if isinstance(value, list):
        return cbor2.dumps([None] * len(value))[: -len(value) or None] + b"".join(
            map(reference, value)
        )
    if isinstance(value, dict):
        head = cbor2.dumps(dict.fromkeys(range(len(value))))
        size = 1 if len(value) < 24 else 2
        return head[:size] + b"".join(reference(key) + reference(value[key]) for key in value)
    if isinstance(value, cbor2.CBORTag):
        return cbor2.dumps(cbor2.CBORTag(value.tag, None))[:-1] + reference(value.value)
    return cbor2.dumps(value, canonical=True)


@given(shallow)
@settings(max_examples=600, deadline=None)
def test_encodings_are_byte_for_byte_those_of_cbor2(value: Any) -> None:
    assert cbor.encode(value, 8192) == reference(for_cbor2(value))


three_letters = st.text("abcdef", min_size=3, max_size=3)


@given(st.dictionaries(st.one_of(three_letters, st.integers(0, 23)), scalars, max_size=30))
@settings(max_examples=300, deadline=None)
def test_where_both_orders_agree_cbor2_alone_decides(value: dict[Any, Any]) -> None:
    plain = {key: for_cbor2(item) for key, item in value.items()}
    assert cbor.encode(value, 8192) == cbor2.dumps(plain, canonical=True)


@given(shallow)
@settings(max_examples=400, deadline=None)
def test_what_is_written_is_read_back_and_by_cbor2_too(value: Any) -> None:
    encoded = cbor.encode(value, 8192)
    for read in (cbor.decode, cbor.decode_any):
        assert cbor.encode(read(encoded), 8192) == encoded
        assert cbor_fuzz.is_same(read(encoded), cbor_fuzz.reference(encoded))


@given(st.binary(max_size=60))
@settings(max_examples=800, deadline=None)
def test_garbage_is_refused_or_is_deterministic(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return
    assert cbor.encode(value) == data
    assert cbor_fuzz.is_same(value, cbor_fuzz.reference(data))


@given(shallow, st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_encodings_never_crash(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(value, 8192))
    index = data.draw(st.integers(0, len(encoded) - 1))
    encoded[index] ^= data.draw(st.integers(1, 255))
    try:
        again = cbor.decode(encoded)
    except cbor.CborError:
        return
    assert cbor.encode(again, 8192) == bytes(encoded)


@pytest.mark.parametrize("runtime", ["CPython", "MicroPython"])
def test_the_examples_of_the_standard(runtime: str) -> None:
    assert len(cbor_appendix.EXAMPLES) == 82
    assert cbor_appendix.failures(runtime) == []
