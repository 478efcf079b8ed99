"""How many examples of RFC 8949, appendix A, the kernel reads, and writes back where they say so.

On CPython and on MicroPython; the lesser count is the figure.
"""

from collections.abc import Callable

from support.cbor_appendix import EXAMPLES, failures

UNIT = f"of_{len(EXAMPLES)}_examples"
AT_LEAST = len(EXAMPLES)


def measure(say: Callable[[str], None]) -> int:
    """Let both runtimes read every example."""
    counts = []
    for runtime in ("CPython", "MicroPython"):
        failed = failures(runtime)
        for text in failed:
            say(text)
        counts.append(len(EXAMPLES) - len(failed))
        say(f"{runtime}: {counts[-1]} of {len(EXAMPLES)}")
    return min(counts)
