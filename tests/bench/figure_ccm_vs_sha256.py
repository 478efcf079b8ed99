"""Time to seal a frame of 250 B on MicroPython, in that of one SHA-256 of 250 B; heap of a seal.

With the loops of the chip, `firmware/native`, on this computer; both are timed in turn. The heap
that a seal takes, and leaves as garbage, is at most 128 B, or the figure is not measured.
"""

import json
from collections.abc import Callable

from support import native

UNIT = "times"
AT_MOST = 5.0
HEAP_AT_MOST = 128


def measure(say: Callable[[str], None]) -> float:
    """Seal and hash in a MicroPython of its own."""
    found = json.loads(native.run("ccm_speed", "heap"))
    for form, one in found.items():
        say(f"{form}: {one['seal_us'] / one['sha256_us']:.1f} times, {one['seal_us']:.1f} µs")
        say(f"{form}: {one['seal_heap']} B of heap for a seal, {one['key_heap']} B for a key")
    shipped = found["native"]
    say(f"{shipped['port_heap']} B for all keys together")
    if shipped["seal_heap"] > HEAP_AT_MOST:
        raise RuntimeError(f"a seal takes {shipped['seal_heap']} B of heap, over {HEAP_AT_MOST}")
    return shipped["seal_us"] / shipped["sha256_us"]
