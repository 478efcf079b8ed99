"""Builds of our firmware one after the other: what a change of one function makes of an image."""

import shutil
import tempfile
from pathlib import Path

from cma_toolkit.host_tools.image.build import build

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
APPLICATION = {"app.py": (FIRMWARE / "examples" / "greenhouse.py").read_bytes()}
# File of the firmware, what stands in one function of it, and what stands there then.
CHANGES = (
    (
        "kernel/mesh/neighbours.py",
        "        self._count_max = count_max\n",
        "        self._count_max = max(1, min(count_max, 200))\n        self.limit = count_max\n",
    ),
    (
        "kernel/status.py",
        "    weakest_dbm = 0  # unknown\n",
        "    weakest_dbm = 0  # unknown\n    if neighbours.count > 99:\n        return -1\n",
    ),
    (
        "device/loop.py",
        "    def ",
        "    def spare(self, number):\n        return number * 3 + self.count\n\n    def ",
    ),
)


def first() -> bytes:
    """Return the image of the firmware as it is."""
    return build(FIRMWARE, APPLICATION, "greenhouse").data


def after(change: tuple[str, str, str]) -> bytes:
    """Return the image after one of the CHANGES."""
    path, before, later = change
    with tempfile.TemporaryDirectory() as name:
        changed = Path(name) / "firmware"
        shutil.copytree(FIRMWARE, changed, ignore=shutil.ignore_patterns("__pycache__"))
        text = (changed / path).read_text()
        assert before in text, f"{path} has no such function any more"
        (changed / path).write_text(text.replace(before, later, 1))
        return build(changed, APPLICATION, "greenhouse").data
