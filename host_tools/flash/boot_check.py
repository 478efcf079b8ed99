"""Watch a board start after a reset, and say whether it came up.

The agent's first console record proves the kernel; a prompt proves MicroPython; a boot loop and a
damaged file system prove a failure. A board that prints nothing is asked by Ctrl-C.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, no_device, verify_failed

AGENT = "agent runs"
PROMPT = "MicroPython prompt"
QUIET_S = 6.0
ANSWER_S = 4.0
POLL_S = 0.05
HEARD_BYTES_MAX = 64 * 1024
INTERRUPT = b"\r\x03\x03"
SOFT_RESET = b"\x04"

_RECORD = re.compile(rb'\x1e\{[^\n]*"kind"')
_PROMPT = re.compile(rb"(^|\n)>>> ")
_RESETS = re.compile(rb"rst:0x[0-9a-f]+")
_BAD = re.compile(
    rb"invalid header: 0x|No bootable app|filesystem appears to be corrupted"
    rb"|load partition table error|Failed to verify partition table"
)


def verdict(heard: bytes) -> str:
    """Tell what has come up, as far as the output shows; empty if that is open.

    Raises: CmaError for output that only a board in trouble prints.
    """
    if _RECORD.search(heard):
        return AGENT
    trouble = _BAD.search(heard)
    if trouble or len(_RESETS.findall(heard)) > 2:
        line = trouble[0].decode() if trouble else "it resets again and again"
        raise verify_failed(
            f"The board was written and verified but does not start: {line}. "
            "Run cma flash again with --erase --yes."
        )
    return PROMPT if _PROMPT.search(heard) else ""


def watch_start(
    port: Any, reopen: Callable[[], Any], clock: Callable[[], float] = time.monotonic
) -> str:
    """Return what came up on the port that a reset has just restarted.

    `reopen` opens the port anew: a chip with native USB leaves the bus while it resets.
    Raises: CmaError if nothing comes up.
    """
    heard = b""
    for quiet_s, question in ((QUIET_S, b""), (ANSWER_S, INTERRUPT)):
        until = clock() + quiet_s
        if question:
            port.write(question)
        while clock() < until:
            try:
                heard = (heard + _read(port))[-HEARD_BYTES_MAX:]
            except OSError:
                port = _open_again(reopen, until, clock)
            found = verdict(heard)
            if found:
                if question:
                    port.write(SOFT_RESET)  # let it run again what the question stopped
                return found
    raise no_device(
        "The board was written and verified but says nothing. "
        "Press its RESET button, then run: cma devices"
    )


def _read(port: Any) -> bytes:
    port.timeout = POLL_S
    return bytes(port.read(max(1, port.in_waiting)))


def _open_again(reopen: Callable[[], Any], until: float, clock: Callable[[], float]) -> Any:
    while True:
        try:
            return reopen()
        except CmaError:
            if clock() > until:
                raise
            time.sleep(POLL_S)
