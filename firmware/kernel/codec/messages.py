"""What stands behind the header: one CBOR item for each kind of frame.

Input    the fields, or a payload
Effects  none
Bounds   PAYLOAD_BYTES_MAX; unknown map keys are left for later versions
Source   protocol.cddl
"""

from ..limits import HEADER_BYTES, NAME_BYTES_MAX, TOPIC_BYTES_MAX
from . import cbor

ANNOUNCE_NAME, ANNOUNCE_BOOTS, ANNOUNCE_BOARD = 1, 2, 3
TELEMETRY_FIGURES = 7  # their keys are 1, 2, …, in the order of `write_telemetry`


def announcement(name: str, boots: int, board: str) -> bytes:
    """Return the payload by which an agent makes itself known."""
    return cbor.encode({ANNOUNCE_NAME: name, ANNOUNCE_BOOTS: boots, ANNOUNCE_BOARD: board})


def read_announcement(payload: "bytes | memoryview") -> "tuple[str, int]":
    """Return the name and boot count of an announcement.

    Raises: CborError (peer).
    """
    fields = cbor.decode(payload)
    if not isinstance(fields, dict):
        raise cbor.CborError("an announcement is a map")
    name, boots = fields.get(ANNOUNCE_NAME), fields.get(ANNOUNCE_BOOTS)
    if not isinstance(name, str) or not 0 < len(name.encode()) <= NAME_BYTES_MAX:
        raise cbor.CborError("an announcement has a name of 1 to 32 bytes")
    if isinstance(boots, bool) or not isinstance(boots, int) or boots < 0:
        raise cbor.CborError("an announcement has a boot count")
    return name, boots


def write_message(buffer: bytearray, topic: str, value: object) -> int:
    """Write the payload of a message behind the header; return the frame's length.

    Raises: CborError if the value has no encoding or does not fit one frame (caller).
    """
    if not 0 < len(topic.encode()) <= TOPIC_BYTES_MAX:
        raise cbor.CborError("a topic has 1 to 32 bytes")
    return cbor.write_into(buffer, HEADER_BYTES, (topic, value))


def read_message(payload: "bytes | memoryview") -> "tuple[str, object]":
    """Return the topic and value of a message.

    Raises: CborError (peer).
    """
    fields = cbor.decode(payload)
    if not isinstance(fields, list) or len(fields) != 2:
        raise cbor.CborError("a message is a topic and a value")
    topic, value = fields
    if not isinstance(topic, str) or not 0 < len(topic.encode()) <= TOPIC_BYTES_MAX:
        raise cbor.CborError("a topic has 1 to 32 bytes")
    return topic, value


def write_telemetry(buffer: bytearray, figures: "list[int]") -> int:
    """Write the payload of a telemetry frame behind the header; return the frame's length.

    Shape: `figures`: uptime (s), neighbours, frames sent, received, lost, battery (mV),
    exceptions of the application.
    """
    offset = cbor.write_head(buffer, HEADER_BYTES, 5, len(figures))
    for index in range(len(figures)):
        offset = cbor.write_head(buffer, offset, 0, index + 1)
        offset = cbor.write_head(buffer, offset, 0, figures[index])
    return offset
