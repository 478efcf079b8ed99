"""What one agent went through, as lines that a person reads; for CPython only."""

from collections import deque
from collections.abc import Callable
from typing import Any

from cma_toolkit.firmware.kernel.codec import cbor, frame
from cma_toolkit.firmware.kernel.effects import SLEEP_DEEP
from cma_toolkit.firmware.kernel.errors import (
    CAUSE_BROWNOUT,
    CAUSE_DEEP_SLEEP,
    CAUSE_HARD_RESET,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    CAUSE_SOFT_RESET,
    CAUSE_WATCHDOG,
    EVENT_FRAGMENT_CONFLICT,
    EVENT_NAME_TAKEN,
    EVENT_NAMES,
    EVENT_NEIGHBOUR_JOINED,
    EVENT_NEIGHBOUR_LEFT,
    REBOOT_UPDATE,
)
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.sim.world import trace

# What a line is about; the page colours and filters by these words.
POWER, ERROR, APP, KERNEL, SLEEP, RADIO, SENT = "power error app kernel sleep radio sent".split()
_CAUSES = {
    CAUSE_POWER_ON: "the power came",
    CAUSE_HARD_RESET: "reset",
    CAUSE_WATCHDOG: "reset by the watchdog",
    CAUSE_DEEP_SLEEP: "woke from deep sleep",
    CAUSE_SOFT_RESET: "soft reset",
    CAUSE_BROWNOUT: "reset by a brown-out",
    CAUSE_PANIC: "reset after a crash",
}
_FRAMES = {
    frame.KIND_ANNOUNCE: "announcement",
    frame.KIND_PING: "ping",
    frame.KIND_PONG: "pong",
    frame.KIND_MESSAGE: "message",
    frame.KIND_TELEMETRY: "telemetry",
    frame.KIND_REQUEST: "request",
    frame.KIND_RESPONSE: "response",
    frame.KIND_FRAGMENT: "part of a message",
    frame.KIND_OFFER: "offer of a release",
    frame.KIND_REPORT: "report of a release",
}
_ABOUT_NODES = (
    EVENT_NEIGHBOUR_JOINED,
    EVENT_NEIGHBOUR_LEFT,
    EVENT_NAME_TAKEN,
    EVENT_FRAGMENT_CONFLICT,
)
_TEXT_MAX = 120
_USUAL = (trace.SEND, trace.SLEEP, trace.RADIO)
Line = tuple[int, str, str]  # instant in ms, what it is about, the text
Entry = tuple[int, int, bytes]  # instant in ms, kind as in trace.py, content


class Life:
    """The last entries of the trace about one agent: rare ones outlive what happens always.

    Nothing is made into text before a person asks for it. Bounds: `keep` entries of each of the
    two sorts; `total` counts them all.
    """

    def __init__(self, keep: int) -> None:
        self.total = 0
        self._rare: deque[Entry] = deque(maxlen=keep)
        self._usual: deque[Entry] = deque(maxlen=keep)

    def add(self, at_ms: int, kind: int, content: bytes) -> None:
        """Note an entry."""
        self.total += 1
        is_usual = kind in _USUAL or (kind == trace.BOOT and content[0] == CAUSE_DEEP_SLEEP)
        (self._usual if is_usual else self._rare).append((at_ms, kind, content))

    def lines(self, name_of: dict[int, str]) -> list[Line]:
        """Return what was kept as lines, in order of time; `name_of` names nodes."""
        entries = sorted((*self._rare, *self._usual), key=lambda entry: entry[0])
        return [(at_ms, *_line(kind, content, name_of)) for at_ms, kind, content in entries]


_REBOOTS = ("asked for a reboot", "went away to update")


def shorten(text: str) -> str:
    """Return a text that fits a line."""
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"


def _line(kind: int, content: bytes, name_of: dict[int, str]) -> tuple[str, str]:
    if kind == trace.SEND:
        return SENT, _frame(content, name_of)
    if kind == trace.REPORT:
        return KERNEL, _report(content, name_of)
    if kind in _PLAIN:
        return _PLAIN[kind](content)
    values: Any = cbor.decode(content)
    about, text = _READERS[kind](*values) if kind in _READERS else (KERNEL, repr(values))
    return about, shorten(text)


def _frame(data: bytes, name_of: dict[int, str]) -> str:
    kind, target = data[1], frame.read_target(data)
    to = "" if target == frame.BROADCAST else f" to {name_of.get(target, 'somebody unknown')}"
    said = ""
    if kind in (frame.KIND_MESSAGE, frame.KIND_REQUEST):
        fields: Any = cbor.decode(memoryview(data)[HEADER_BYTES:])
        said = f" {fields[-2]} = {fields[-1]!r}"
    return shorten(f"{_FRAMES.get(kind, 'frame')}{to}{said}, {len(data)} B")


def _boot(content: bytes) -> tuple[str, str]:
    about = SLEEP if content[0] == CAUSE_DEEP_SLEEP else POWER
    return about, "started: " + _CAUSES.get(content[0], f"cause {content[0]}")


def _sleep(_until: int, depth: int) -> tuple[str, str]:
    return SLEEP, "deep sleep" if depth == SLEEP_DEEP else "light sleep"


def _report(content: bytes, name_of: dict[int, str]) -> str:
    fields: Any = cbor.decode(content)
    event, value = fields
    names = EVENT_NAMES.split("\n")
    said = name_of.get(value, "somebody unknown") if event in _ABOUT_NODES else str(value)
    return f"{names[event] if event < len(names) else f'event {event}'}: {said}"


def _event(name: str, value: object) -> tuple[str, str]:
    return APP, f"reported {name} = {value!r}"


def _error(where: str, error: str) -> tuple[str, str]:
    return ERROR, f"{error} in {where}"


def _actuate(name: str, value: object) -> tuple[str, str]:
    return APP, f"set {name} to {value!r}"


_PLAIN: dict[int, Callable[[bytes], tuple[str, str]]] = {
    trace.BOOT: _boot,
    trace.RADIO: lambda content: (RADIO, "radio on" if content[0] else "radio off"),
    trace.POWER: lambda content: (POWER, "power lost"),
    trace.REBOOT: lambda content: (POWER, _REBOOTS[content[0] == REBOOT_UPDATE]),
}
_READERS: dict[int, Callable[..., tuple[str, str]]] = {  # of what is CBOR
    trace.SLEEP: _sleep,
    trace.APP_EVENT: _event,
    trace.APP_ERROR: _error,
    trace.ACTUATE: _actuate,
}
