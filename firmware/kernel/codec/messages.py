"""What stands behind the header: one CBOR item for each kind of frame.

Input    the fields, or a payload
Effects  none
Bounds   one frame, MESSAGE_BYTES_MAX for what is cut into fragments; looking into a message
         allocates nothing until its value is asked for
Source   protocol.cddl
"""

from ..limits import (
    HEADER_BYTES,
    NAME_BYTES_MAX,
    TOPIC_BYTES_MAX,
    WAKE_PERIOD_MS_MAX,
)
from . import cbor
from .frame import BROADCAST, KIND_MESSAGE, KIND_RESPONSE, VALUE_KINDS
from .spans import copy, is_same

# How a request went, in its response.
STATUS_OK = 0
STATUS_NO_HANDLER = 1  # nobody there handles the topic
STATUS_FAILED = 2  # the handler raised
STATUS_REFUSED = 3  # it would exceed the budget of whoever was asked
_STATUS_LAST = 23  # one byte; later versions may know more of them

NO_PHASE = -1  # of an announcement by an agent that knows of no window
_BOOTS_MAX = (1 << 30) - 1

_UINT, _TEXT, _ARRAY, _MAP = 0, 3, 4, 5


def head_argument(buffer: "bytes | bytearray", offset: int, end: int, major: int) -> int:
    """Return the argument of the head at an offset, -1 if it is no such head in its shortest form.

    Units: at most 65,535, which is all that lengths and numbers of messages need.
    """
    short = buffer[offset] - (major << 5) if offset < end else -1
    if 0 <= short < 24:
        return short
    if short == 24 and offset + 1 < end:
        argument = buffer[offset + 1]
        return argument if argument >= 24 else -1
    if short == 25 and offset + 2 < end:
        argument = buffer[offset + 1] << 8 | buffer[offset + 2]
        return argument if argument >= 0x100 else -1
    return -1


def head_bytes(argument: int) -> int:
    """Return how long the head with this argument is."""
    return 1 if argument < 24 else 2 if argument < 0x100 else 3


class Envelope:
    """The message that is being delivered: where its parts lie, valid until the handler returns.

    Shape: `source` is a node id, `row` and `link` are those of the neighbour, `start` and `end`
    bound the payload in `buffer`. `correlation` joins a response to its request.
    """

    def __init__(self) -> None:
        self.kind = 0
        self.source = 0
        self.row = 0
        self.link = 0
        self.is_broadcast = False
        self.correlation = 0
        self.status = 0
        self.buffer: "bytes | bytearray" = b""
        self.start = 0
        self.end = 0
        self._topic_at = 0
        self._topic_bytes = 0

    def open(self, kind: int, buffer: "bytes | bytearray", start: int, end: int) -> bool:
        """Find the parts of a payload; False if it has not the shape of its kind.

        The value of a message is looked at only when it is asked for.
        """
        self.kind, self.buffer = kind, buffer
        self.start, self.end = start, end
        if kind not in VALUE_KINDS:
            return True
        count = 2 if kind == KIND_MESSAGE else 3
        if head_argument(buffer, start, end, _ARRAY) != count:
            return False
        offset = start + 1
        if count == 3:
            self.correlation = head_argument(buffer, offset, end, _UINT)
            if self.correlation <= 0:
                return False
            offset += head_bytes(self.correlation)
        major = _UINT if kind == KIND_RESPONSE else _TEXT
        argument = head_argument(buffer, offset, end, major)
        offset += head_bytes(argument)
        if kind == KIND_RESPONSE:
            self.status = argument
            return 0 <= argument <= _STATUS_LAST and offset < end
        self._topic_at, self._topic_bytes = offset, argument
        return 0 < argument <= TOPIC_BYTES_MAX and offset + argument < end

    def is_on(self, topic: bytes) -> bool:
        """Tell whether a message or a request is on a topic."""
        size = self._topic_bytes
        return len(topic) == size and is_same(topic, 0, self.buffer, self._topic_at, size)

    def payload(self) -> memoryview:
        """Return the encoded item."""
        return memoryview(self.buffer)[self.start : self.end]

    def value(self) -> object:
        """Return the value of a message, a request or a response.

        Raises: CborError (peer).
        """
        return self.fields()[-1]

    def fields(self) -> "list[object]":
        """Return all parts of a message, a request or a response: at last topic and value.

        Raises: CborError (peer).
        """
        fields = cbor.decode(self.payload())
        assert isinstance(fields, list)
        return fields


def announcement_head(name: str, boots: int, board: str) -> bytes:
    """Return what stays the same in all announcements of one boot."""
    buffer = bytearray(2 * HEADER_BYTES + 2 * (NAME_BYTES_MAX + 2))
    offset = cbor.write_head(buffer, 0, _MAP, 3)
    for key, value in ((1, name), (2, boots), (3, board)):
        offset = cbor.write_into(buffer, cbor.write_head(buffer, offset, _UINT, key), value)
    return bytes(memoryview(buffer)[:offset])


def write_announcement(
    buffer: bytearray, head: bytes, wake_period_ms: int, phase_ms: int, leader: int
) -> int:
    """Write an announcement behind the header of a frame; return the frame's length.

    Shape: `leader` is the node whose windows these are; NO_PHASE leaves out all three.
    """
    offset = copy(head, 0, buffer, HEADER_BYTES, len(head))
    if phase_ms == NO_PHASE:
        return offset
    cbor.write_head(buffer, HEADER_BYTES, _MAP, 6)
    offset = cbor.write_head(buffer, offset, _UINT, 4)
    offset = cbor.write_head(buffer, offset, _UINT, wake_period_ms)
    offset = cbor.write_head(buffer, offset, _UINT, 5)
    offset = cbor.write_head(buffer, offset, _UINT, phase_ms)
    offset = cbor.write_head(buffer, offset, _UINT, 6)
    return cbor.write_head(buffer, offset, _UINT, leader)


def read_announcement(payload: "bytes | memoryview") -> "tuple[str, int, int, int, int]":
    """Return name, boot count, wake period (ms), phase (ms) and leader of an announcement.

    Shape: 0, NO_PHASE and 0 from an agent that is always awake, or has not found the others yet.
    Raises: CborError (peer).
    """
    fields = cbor.decode(payload)
    if not isinstance(fields, dict):
        raise cbor.CborError("an announcement is a map")
    name = fields.get(1)
    if not isinstance(name, str) or not 0 < len(name.encode()) <= NAME_BYTES_MAX:
        raise cbor.CborError("announcement")
    boots = _whole(fields.get(2), 0, _BOOTS_MAX)
    if 4 not in fields and 5 not in fields and 6 not in fields:
        return name, boots, 0, NO_PHASE, 0
    period_ms = _whole(fields.get(4), 1, WAKE_PERIOD_MS_MAX)
    phase_ms = _whole(fields.get(5), 0, period_ms - 1)
    return name, boots, period_ms, phase_ms, _whole(fields.get(6), 1, BROADCAST - 1)


def _whole(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise cbor.CborError("announcement")
    return value


def check_topic(topic: str) -> None:
    """Refuse a topic that no message may have.

    Raises: CborError (caller).
    """
    if not 0 < len(topic.encode()) <= TOPIC_BYTES_MAX:
        raise cbor.CborError("a topic has 1 to %d bytes" % TOPIC_BYTES_MAX)
