"""What an agent reports, as a line for a person. Pure."""

from typing import Any

STATUS_WORDS = frozenset(
    "kind name board uptime_ms boots neighbours sent received lost battery_mv".split()
)


def render(record: dict[str, Any]) -> str:
    """Return one line for a record of any kind."""
    if record.get("kind") == "status":
        return _status(record)
    kind = str(record.get("event", record.get("kind", "record")))
    rest = {key: value for key, value in record.items() if key not in ("kind", "event")}
    return " ".join([f"[{kind}]", *_pairs(rest)])


def _status(record: dict[str, Any]) -> str:
    parts = [
        f"[{record.get('name', '?')}]",
        f"up {_span(record.get('uptime_ms', 0))},",
        f"boot {record.get('boots', '?')},",
        f"{record.get('neighbours', 0)} neighbours,",
        f"out {record.get('sent', 0)} in {record.get('received', 0)}",
        f"lost {record.get('lost', 0)}",
    ]
    battery_mv = record.get("battery_mv")
    if battery_mv:
        parts[-1] += f", {battery_mv / 1000:.2f} V"
    rest = {key: value for key, value in record.items() if key not in STATUS_WORDS}
    return " ".join([*parts, *_pairs(rest)])


def _pairs(fields: dict[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in fields.items() if value not in (None, "", 0)]


def _span(ms: int) -> str:
    seconds = int(ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
