"""The smallest heap of 64-bit MicroPython in which the whole agent lives.

It starts, hears 1,000 messages of 8 peers and answers, commits its state, hibernates, and goes on
in another process from flash and snapshot. The image is mapped outside the heap, as on a board;
the driver loop, asyncio and the application are in it. So is a stand-in for what a board has in C
(`machine`, `esp32`, `espnow`), which counts against us. asyncio is loaded for applications that
import it: what is needed without is told, too. A board's words have half the size: with a 32-bit
MicroPython that has `ffi`, named in CMA_MICROPYTHON_32, that figure is told as well.
"""

import os
from collections.abc import Callable

from support.agent_heap import APPLICATION_WITHOUT_TASK, HEAP_BYTES, Bench, in_a_folder, smallest

UNIT = "bytes"
AT_MOST = HEAP_BYTES
STEP_BYTES = 1024
LOW_BYTES, HIGH_BYTES = 32 * 1024, 256 * 1024


def measure(say: Callable[[str], None]) -> int:
    """Search for it, in steps of 1 KiB."""

    def search(bench: Bench) -> int:
        for line in bench.breakdown():
            say(line)

        def lives(heap_bytes: int) -> bool:
            whole = bench.live(heap_bytes).is_whole
            say(f"{heap_bytes} bytes: {'lives' if whole else 'does not'}")
            return whole

        assert lives(HIGH_BYTES), bench.last_output
        return smallest(lives, LOW_BYTES, HIGH_BYTES, STEP_BYTES)

    found = in_a_folder(search)
    beside = in_a_folder(quietly, application=APPLICATION_WITHOUT_TASK)
    say(f"with an application that does not import asyncio: {beside} bytes")
    other = os.environ.get("CMA_MICROPYTHON_32", "")
    if other:
        say(f"on 32 bits, with {other}: {in_a_folder(quietly, other)} bytes")
    return found


def quietly(bench: Bench) -> int:
    """Search without a word."""
    return smallest(
        lambda heap_bytes: bench.live(heap_bytes).is_whole, LOW_BYTES, HIGH_BYTES, STEP_BYTES
    )
