"""How many examples of RFC 8554, appendix F, and RFC 9858, appendix A, the kernel verifies.

On CPython, and on MicroPython as an image holds the kernel; the lesser count is the figure. An
example counts if it is verified as it stands and refused with a bit of its key, its message or its
signature flipped. Two examples take SHAKE256, which MicroPython has not: it computes it in Python.
"""

import json
from collections.abc import Callable
from hashlib import sha256

from support import hss_lms, shipped
from support.shake256 import Shake256

ROOT = shipped.ROOT
VECTORS = ROOT / "tests" / "support" / hss_lms.FILE
EXAMPLES = hss_lms.load(str(VECTORS))
RIGHT = [True, False, False, False]

UNIT = f"of_{len(EXAMPLES)}_examples"
AT_LEAST = len(EXAMPLES)


def measure(say: Callable[[str], None]) -> int:
    """Let both runtimes verify every example."""
    on_micropython = json.loads(shipped.run(["hss_lms", "shake256"], str(VECTORS)))
    on_cpython = [hss_lms.answers(vector, (sha256, Shake256)) for vector in EXAMPLES]
    counts = []
    for runtime, answers in (("CPython", on_cpython), ("MicroPython", on_micropython)):
        for vector, answer in zip(EXAMPLES, answers, strict=True):
            if answer != RIGHT:
                say(f"{runtime}: {vector.name}: {answer}")
        counts.append(answers.count(RIGHT))
        say(f"{runtime}: {counts[-1]} of {len(EXAMPLES)}")
    return min(counts)
