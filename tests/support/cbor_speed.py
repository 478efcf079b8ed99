"""Time the kernel's CBOR against MicroPython's own json, which is written in C; print JSON.

Runs in MicroPython: `cbor_speed.py generic` or `cbor_speed.py template`. Rows are: what, the
nanoseconds of ours, those of json.
"""

import json
import sys

from kernel.codec import cbor, templates
from support.heap import no_allocation
from support.speed import least

MESSAGES = {
    "ping": {"kind": "ping", "seq": 4711, "ts": 1700000000},
    "telemetry": {"id": "agent-07", "seq": 4711, "ts": 1700000000, "temp": 21.5, "hum": 48,
                  "bat": 3712, "ok": True, "err": None},
    "command": {"cmd": "set", "id": 42, "to": "agent-12", "deadline": 30000,
                "args": {"pin": 5, "value": 1, "ramp": [0, 50, 100, 1000]}},
    "integer keys": {1: 4711, 2: 1700000000, 3: -215, 4: 3712, 5: True},
}  # fmt: skip
FIGURES = {
    "uptime_s": 86400, "neighbours": 6, "sent": 12345, "received": 65432, "lost": 12,
    "battery_mv": 3712, "app_errors": 0, "heap_free": 31000, "wear": 212, "mode": 0,
    "last_reset": 4, "unclean_boots": 0, "energy_uah": 5123, "safe_mode": 0, "weakest_link": 71,
}  # fmt: skip


def generic():
    """Time both readers and the writer over every message."""
    rows = []
    buffer = bytearray(250)
    for name, message in MESSAGES.items():
        data = bytes(memoryview(buffer)[: cbor.write_into(buffer, 0, message)])
        text = json.dumps(message)
        times = least([
            (cbor.write_into, (buffer, 0, message)),
            (json.dumps, (message,)),
            (cbor.decode, (data,)),
            (cbor.decode_any, (data,)),
            (json.loads, (text,)),
        ])  # fmt: skip
        rows.append([name + ", encode", times[0], times[1]])
        rows.append([name + ", decode strictly", times[2], times[4]])
        rows.append([name + ", decode any form", times[3], times[4]])
    return rows


def template():
    """Time the telemetry frame with usual, least and greatest figures; writing takes no heap."""
    rows = []
    buffer = bytearray(templates.TELEMETRY_BYTES)
    most = (1 << 30) - 1 - templates.BIAS
    for name, figures in (
        ("usual", list(FIGURES.values())), ("least", [0] * 15), ("greatest", [most] * 15),
    ):  # fmt: skip
        with no_allocation():
            templates.write_telemetry(buffer, 0, figures)
        message = dict(zip(FIGURES, figures))  # noqa: B905 - MicroPython has no `strict`
        data = bytes(buffer)
        text = json.dumps(message)
        times = least([
            (templates.write_telemetry, (buffer, 0, figures)),
            (json.dumps, (message,)),
            (templates.read_telemetry, (data,)),
            (json.loads, (text,)),
        ])  # fmt: skip
        rows.append([name + " telemetry, encode", times[0], times[1]])
        rows.append([name + " telemetry, decode", times[2], times[3]])
    return rows


if __name__ == "__main__":
    print(json.dumps({"generic": generic, "template": template}[sys.argv[1]]()))
