"""The way to a MicroPython prompt, whatever the board is doing when we come."""

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.ports.diagnose import explain_silence

if TYPE_CHECKING:
    from cma_toolkit.host_tools.ports.transport import BufferedPort

INTERRUPT = b"\r\x03"
RAW_REPL = b"\r\x01"
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
PROMPT = RAW_BANNER + b">"
# A friendly prompt prints its banner when a program gives way to it, never on Ctrl-C alone.
_GAVE_WAY = re.compile(rb"MicroPython \S+ on \d{4}-|KeyboardInterrupt")
# In boot.py, or before its first line.
_BOOT_BROKEN_OFF = re.compile(
    rb'(?:File "/?_?boot\.py", line \d+.*\r?\n(?:.*\r?\n)*?|recent call last\):\r?\n)'
    rb"KeyboardInterrupt"
)
# What an ESP32's ROM loader answers with: SYNC of Espressif's serial protocol, in SLIP.
_ROM_SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
FIRST_TRY_S = 0.6
LONGEST_TRY_S = 3.0
QUIET_S = 0.15
SILENCE_S = 0.04
WOKE_S = 0.5
HEARD_BYTES_MAX = 8192


@dataclass
class Arrival:
    """How we came to the prompt."""

    was_running: bool = False
    boot_broken_off: bool = False
    tries: int = 0
    heard: bytes = field(default=b"", repr=False)
    heard_at_s: float = field(default_factory=time.monotonic, repr=False)
    woke_at_s: float = field(default=float("-inf"), repr=False)


def reach_prompt(port: "BufferedPort", url: str, within_s: float) -> Arrival:
    """Interrupt what runs and enter the raw REPL; the `>` of its prompt is left to be read.

    A board that boots, prints without end, sits in a raw REPL or wakes meanwhile is asked again,
    with more patience each time.
    Raises: CmaError 3 or 4 that names why there is no prompt, from all that the board printed.
    """
    arrival = Arrival()
    deadline_s = time.monotonic() + within_s
    patience_s = FIRST_TRY_S
    while not _try_once(port, arrival, min(patience_s, deadline_s - time.monotonic())):
        if time.monotonic() >= deadline_s:
            raise _no_prompt(port, url, arrival)
        patience_s = min(LONGEST_TRY_S, patience_s * 1.5)
    if arrival.tries > 1 and not _settle(port, arrival, deadline_s):
        raise _no_prompt(port, url, arrival)
    port.unread(b">")
    arrival.was_running = bool(_GAVE_WAY.search(arrival.heard))
    arrival.boot_broken_off = bool(_BOOT_BROKEN_OFF.search(arrival.heard))
    return arrival


def _try_once(port: "BufferedPort", arrival: Arrival, patience_s: float) -> bool:
    arrival.tries += 1
    # The second Ctrl-C ends a program whose first one was swallowed by an `except`.
    port.write(INTERRUPT if arrival.tries == 1 else INTERRUPT + b"\x03")
    port.write(RAW_REPL)
    return _hear_until(port, arrival, PROMPT, patience_s)


def _hear_until(port: "BufferedPort", arrival: Arrival, ending: bytes, patience_s: float) -> bool:
    deadline_s = time.monotonic() + patience_s
    recent = b""
    while (now_s := time.monotonic()) < deadline_s:
        chunk = port.read_some(SILENCE_S)
        if chunk and now_s - arrival.heard_at_s > WOKE_S:
            arrival.woke_at_s = now_s
        arrival.heard_at_s = now_s if chunk else arrival.heard_at_s
        arrival.heard = (arrival.heard + chunk)[-HEARD_BYTES_MAX:]
        recent = (recent + chunk)[-HEARD_BYTES_MAX:]
        if ending in recent:
            port.unread(recent.rpartition(ending)[2])
            return True
        # A board that sleeps may be awake for a moment only: a Ctrl-C must fall into it. More
        # than one on a board that runs could break off how its program ends.
        woke_just_now = now_s - arrival.woke_at_s < WOKE_S and not _GAVE_WAY.search(recent)
        if woke_just_now or not recent:
            port.write(b"\x03")
    return False


def _settle(port: "BufferedPort", arrival: Arrival, deadline_s: float) -> bool:
    # Each earlier Ctrl-A may still be answered: wait until the board is quiet, then ask once more,
    # so that exactly one prompt is on the line. What prints on after Ctrl-C has no prompt.
    deadline_s = max(deadline_s, time.monotonic() + LONGEST_TRY_S)
    while chunk := port.read_some(QUIET_S):
        arrival.heard = (arrival.heard + chunk)[-HEARD_BYTES_MAX:]
        if time.monotonic() >= deadline_s:
            return False
    port.write(RAW_REPL)
    return _hear_until(port, arrival, PROMPT, LONGEST_TRY_S)


def _no_prompt(port: "BufferedPort", url: str, arrival: Arrival) -> CmaError:
    if not arrival.heard:
        port.write(_ROM_SYNC)
        _hear_until(port, arrival, b"\xc0\x01\x08", FIRST_TRY_S)
    return explain_silence(url, arrival.heard)
