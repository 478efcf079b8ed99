"""A frame's header, and the payload of each kind of frame that an agent takes in."""

from kernel.codec import frame, messages, templates
from kernel.codec.cbor import CborError, encode
from kernel.limits import HEADER_BYTES, TOPIC_BYTES_MAX

MODULES = ("kernel.codec.frame", "kernel.codec.messages", "kernel.codec.templates")
FIGURES = list(range(1, 1 + templates.TELEMETRY_FIGURES))


def _frame(kind, payload):
    buffer = bytearray(HEADER_BYTES) + payload
    frame.write_header(buffer, kind, 7, 11, 22, 33)
    return bytes(buffer)


def _telemetry():
    buffer = bytearray(templates.TELEMETRY_BYTES)
    templates.write_telemetry(buffer, 0, FIGURES)
    return bytes(buffer)


def seeds():
    """Return a frame of each kind."""
    wider = {}
    for key, figure in enumerate(FIGURES):
        wider[1 + key] = templates.BIAS + (figure << 30)
    return [
        _frame(frame.KIND_ANNOUNCE, encode({1: "a", 2: 3, 3: "b"})),
        _frame(frame.KIND_ANNOUNCE, encode({1: "a", 2: 3, 3: "b", 4: 60000, 5: 500, 6: 11})),
        _frame(frame.KIND_MESSAGE, encode(["topic", {"a": 1}])),
        _frame(frame.KIND_REQUEST, encode([300, "topic", [1.5]])),
        _frame(frame.KIND_RESPONSE, encode([70, 0, None])),
        _frame(frame.KIND_TELEMETRY, _telemetry()),
        _frame(frame.KIND_TELEMETRY, encode(wider)),
        _frame(frame.KIND_PING, b"\x01"),
    ]


def take(data):
    """Return what a frame says."""
    assert frame.is_frame(_frame(frame.KIND_PING, b"\x00"), HEADER_BYTES + 1)
    if not frame.is_frame(data, len(data)):
        return b""
    kind, payload = data[1], memoryview(data)[HEADER_BYTES:]
    source, target = frame.read_source(data), frame.read_target(data)
    assert 0 <= source <= frame.BROADCAST and 0 <= target <= frame.BROADCAST
    envelope = messages.Envelope()
    said = [source, target, envelope.open(kind, data, HEADER_BYTES, len(data))]
    if kind in frame.VALUE_KINDS and said[2]:
        said += _fields(kind, envelope, payload)
    if kind == frame.KIND_ANNOUNCE:
        said += _announced(payload)
    if kind == frame.KIND_TELEMETRY:
        said += _figures(payload)
    return encode(said, 4096)


def _fields(kind, envelope, payload):
    try:
        fields = envelope.fields()
    except CborError:
        return []
    # What was found without reading is what reading finds.
    assert encode(fields, 1024) == bytes(payload)
    if kind != frame.KIND_MESSAGE:
        assert fields[0] == envelope.correlation > 0
    if kind == frame.KIND_RESPONSE:
        assert fields[1] == envelope.status
    else:
        topic = fields[-2].encode()
        assert envelope.is_on(topic) and 0 < len(topic) <= TOPIC_BYTES_MAX
    return [fields]


def _announced(payload):
    try:
        said = messages.read_announcement(payload)
    except CborError:
        return []
    name, boots, period_ms, phase_ms, leader = said
    buffer = bytearray(256)
    head = messages.announcement_head(name, boots, "board")
    end = messages.write_announcement(buffer, head, period_ms, phase_ms, leader)
    assert messages.read_announcement(memoryview(buffer)[HEADER_BYTES:end]) == said
    return list(said)


def _figures(payload):
    try:
        figures = templates.read_telemetry(payload)
    except CborError:
        return []
    assert len(figures) == templates.TELEMETRY_FIGURES and min(figures) >= 0
    if max(figures) < 1 << 30:
        buffer = bytearray(templates.TELEMETRY_BYTES)
        templates.write_telemetry(buffer, 0, figures)
        assert templates.read_telemetry(bytes(buffer)) == figures
    return figures
