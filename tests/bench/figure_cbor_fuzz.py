"""In how many of a million inputs the kernel's CBOR reader differs from cbor2.

Generated items, damaged ones, noise and bombs, on CPython and on MicroPython: both take exactly
what cbor2 takes within the profile of SPEC.md, to its last byte, and read equal values. Frames
that claim more than they hold are refused in a heap without a hole of a frame's size.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed

from support.cbor_fuzz import fuzz, refuse_claims

UNIT = "differences"
AT_MOST = 0
INPUTS = 1_000_000
CLAIMS = 20_000
PARTS = 50
PROCESSES = 2


def measure(say: Callable[[str], None]) -> int:
    """Compare a million inputs."""
    first = PARTS * int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    inputs = taken = differences = 0
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = [pool.submit(fuzz, first + part, INPUTS // PARTS) for part in range(PARTS)]
        parts.append(pool.submit(refuse_claims, first, CLAIMS))
        for number, part in enumerate(as_completed(parts)):
            report = part.result()
            inputs += report.inputs
            taken += report.taken
            differences += report.differences
            for text in report.told:
                say(text)
            if number % 10 == 9:
                say(f"{inputs} inputs, {taken} of them read, {differences} differences")
    say(f"{inputs} inputs, {taken} of them read: {differences} differences")
    return differences
