"""What the kernel takes for a message is what cbor2 reads as one."""

from typing import Any

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.codec import frame, messages
from cma_toolkit.firmware.kernel.limits import TOPIC_BYTES_MAX

SMALL = st.integers(-2, 70_000)
TOPICS = st.text(max_size=40) | st.binary(max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | SMALL | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SMALL, inner, max_size=3),
    max_leaves=5,
)
PARTS = SMALL | TOPICS | VALUES
SHAPES = (
    st.tuples(TOPICS, VALUES) | st.tuples(SMALL, TOPICS, VALUES) | st.tuples(SMALL, SMALL, VALUES)
)
FIELDS = st.lists(PARTS, max_size=4) | SHAPES.map(list)


def is_uint(part: object, least: int, most: int) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and least <= part <= most


def is_topic(part: object) -> bool:
    return isinstance(part, str) and 0 < len(part.encode()) <= TOPIC_BYTES_MAX


def is_shaped(kind: int, fields: list[Any]) -> bool:
    if kind == frame.KIND_MESSAGE:
        return len(fields) == 2 and is_topic(fields[0])
    if len(fields) != 3 or not is_uint(fields[0], 1, 0xFFFF):
        return False
    if kind == frame.KIND_REQUEST:
        return is_topic(fields[1])
    return is_uint(fields[1], 0, 23)


@given(kind=st.sampled_from(frame.VALUE_KINDS), fields=FIELDS)
def test_any_list_is_judged_by_its_shape(kind: int, fields: list[Any]) -> None:
    payload = cbor2.dumps(fields, canonical=True)
    envelope = messages.Envelope()
    taken = envelope.open(kind, b"??" + payload, 2, 2 + len(payload))
    assert taken == is_shaped(kind, fields)
    if taken and kind != frame.KIND_RESPONSE:
        topic = fields[-2].encode()
        assert envelope.is_on(topic) and envelope.fields()[-2] == fields[-2]
        assert not envelope.is_on(topic + b"x") and not envelope.is_on(topic[:-1])
    if taken and kind != frame.KIND_MESSAGE:
        assert envelope.correlation == fields[0]
    if taken:
        assert envelope.fields() == fields


@given(kind=st.sampled_from(frame.VALUE_KINDS), payload=st.binary(max_size=60))
def test_any_bytes_are_taken_only_as_what_they_are(kind: int, payload: bytes) -> None:
    envelope = messages.Envelope()
    if not envelope.open(kind, payload, 0, len(payload)):
        return
    try:
        fields = envelope.fields()
    except messages.cbor.CborError:
        return
    assert is_shaped(kind, fields)
    assert cbor2.dumps(fields, canonical=True) == payload
