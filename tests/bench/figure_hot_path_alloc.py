"""Bytes of heap that a frame costs on its way through an agent, in real MicroPython.

From the frame that arrives to the frame that leaves, or to the border of the application, whose
values are decoded on demand and do allocate. The worst of the messages named by
`support/hot_path.py`: at most 0.
"""

import json
from collections.abc import Callable

from support import shipped

UNIT = "B"
AT_MOST = 0


def measure(say: Callable[[str], None]) -> int:
    """Let MicroPython count the bytes of each message."""
    printed = shipped.run(["hot_path", "mesh", "script", "heap"])
    costs: list[tuple[str, int]] = json.loads(printed)
    for message, size_bytes in costs:
        say(f"{message}: {size_bytes} B")
    return max(size_bytes for _, size_bytes in costs)
