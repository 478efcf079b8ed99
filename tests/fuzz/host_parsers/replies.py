"""What boards answer over a cable: the JSON of our scripts, and the file of a crash.

The first byte says what the rest is: an answer behind its mark, all of a board's output, or a
file.
"""

import json
from base64 import b64encode
from binascii import crc32
from typing import Any

from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.ports import facts, reply
from cma_toolkit.host_tools.provision import actual
from cma_toolkit.host_tools.secure import measurements
from cma_toolkit.sim.replay import case, recording
from support.crash_file import file_of

MODULES = (
    "cma_toolkit.host_tools.ports.facts",
    "cma_toolkit.host_tools.ports.reply",
    "cma_toolkit.host_tools.provision.actual",
    "cma_toolkit.host_tools.secure.measurements",
    "cma_toolkit.sim.replay.recording",
    "cma_toolkit.sim.replay.case",
)
PROBE, PROVISION, CRASH, SUMMED, CASE, ATTEST, WHOLE = range(7)
_BEGUN = reply.FRAME_BEGIN
_PROBE = {
    "machine": "ESP32S3 module with ESP32S3", "platform": "esp32", "mac": "020000000007",
    "flash_bytes": None, "partitions": [["nvs", 1, 2, 36864, 24576]], "version": [1, 28, 0],
    "files": 3, "files_complete": True, "nvs": {"name": "61", "pins": "a1616101"},
}  # fmt: skip
_PROVISION = actual.to_json(
    actual.Actual("020000000007", "esp32", True, {"name": b"a", "network": 7}, {"key": "00"})
)

_ATTEST = {
    "token": "d2", "about": "{}", "slot": [["image", "00" * 32], ["/app.py", "01" * 32]],
    "settings": [["name", "61"]],
    "runtime": [[name, "02" * 32] for name in measurements.PARTS] + [["/boot.py", "03" * 32]],
}  # fmt: skip


def _case() -> dict[str, object]:
    settings = {"name": b64encode(b"a").decode(), "settings": b64encode(b"\xa0").decode()}
    crash = b64encode(file_of(b"\x11\x05")).decode()
    return {
        "format": 1, "mac": "020000000007", "settings": settings, "sectors": 2, "crash": crash,
        "app_crc": 7, "flash": {"0": b64encode(b"journal").decode()},
    }  # fmt: skip


def seeds() -> list[bytes]:
    """Return good answers."""
    texts = [
        (PROBE, _PROBE),
        (PROVISION, _PROVISION),
        (CASE, _case()),
        (ATTEST, _ATTEST),
        (WHOLE, "x"),
    ]
    made = [bytes((form,)) + json.dumps(text).encode() for form, text in texts]
    made.append(bytes((WHOLE,)) + b"printed" + _BEGUN + b"{}" + reply.FRAME_END + b"more")
    crash = file_of(b"\x11\x05\x72\x05\x03\x03abc\x4b\x01\x01", text=b"Traceback")
    return [*made, bytes((CRASH,)) + crash, bytes((SUMMED,)) + crash[:-4]]


def take(data: bytes) -> bytes:
    """Return what was understood."""
    if not data:
        return b""
    form, body = data[0] % 7, data[1:]
    try:
        if form in (CRASH, SUMMED):
            sum_ = crc32(body).to_bytes(4, "big") if form == SUMMED else b""
            return repr(recording.read(body + sum_)).encode()
        before, answer = _split(_BEGUN * (form != WHOLE) + body)
        return _understood(form, answer) if isinstance(answer, dict) else before
    except CmaError as error:
        assert error.message.endswith(".")
    except recording.DamagedError as error:
        assert str(error)
    return b""


def _split(output: bytes) -> tuple[bytes, Any]:
    try:
        return reply.split(output)
    except ValueError:
        return b"", ()


def _understood(form: int, answer: dict[str, Any]) -> bytes:
    if form == CASE:
        return case.case_of(answer).name.encode(errors="replace")
    if form == PROVISION:
        found = actual.from_reply(answer, "esp32")
        assert actual.from_json(actual.to_json(found)) == found
        said = found.name + found.fleet + found.board_id + "known"
        return said.encode(errors="replace")
    if form == ATTEST:
        return measurements.from_reply(answer).digests()[0]
    told = facts.facts_of(answer)
    return " ".join(told.words()).encode(errors="replace") + json.dumps(told.as_json()).encode()
