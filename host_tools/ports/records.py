"""Part what a board prints into RFC 7464 records and everything else. Pure: bytes in, items out.

Source: RFC 7464, section 2.1: a record is 0x1E, a JSON text, 0x0A. What is truncated or is not
JSON comes out as the text it was, so nothing that a board printed is lost.
"""

import json
from dataclasses import dataclass
from typing import Any

RECORD_SEPARATOR = b"\x1e"
RECORD_BYTES_MAX = 4096


@dataclass(frozen=True)
class Record:
    """One JSON object that the board's agent reported."""

    fields: dict[str, Any]


Item = Record | bytes


class RecordParser:
    """Take bytes as they come, in any portions."""

    def __init__(self) -> None:
        self._held = b""
        self.torn = 0  # records that were cut off or that somebody printed into

    def feed(self, data: bytes) -> list[Item]:
        """Return the records that are complete now, and the text around them, in order."""
        items: list[Item] = []
        self._held += data
        while self._held:
            text, mark, rest = self._held.partition(RECORD_SEPARATOR)
            if text:
                items.append(text)
            if not mark:
                self._held = b""
                break
            if not self._take_record(rest, items):
                self._held = mark + rest
                break
        return items

    def end(self) -> list[Item]:
        """Return what is left of a record whose end never came."""
        held, self._held = self._held, b""
        self.torn += bool(held)
        return [held] if held else []

    def _take_record(self, rest: bytes, items: list[Item]) -> bool:
        line_end = rest.find(b"\n") + 1
        next_mark = rest.find(RECORD_SEPARATOR)
        if line_end and (next_mark < 0 or line_end <= next_mark):
            end = line_end
        elif next_mark >= 0:
            end = next_mark
        elif len(rest) > RECORD_BYTES_MAX:
            end = len(rest)
        else:
            return False
        items.append(_read(rest[:end]))
        self.torn += not isinstance(items[-1], Record)
        self._held = rest[end:]
        return True


def _read(line: bytes) -> Item:
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return Record(value) if isinstance(value, dict) else line
