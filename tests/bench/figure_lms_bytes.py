"""Bytes of the verifier of signatures in an image, as `.mpy`."""

from collections.abc import Callable

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image.mpy import compile_source, read_sources
from cma_toolkit.host_tools.image.shrink.firmware import shrink

UNIT = "bytes"
AT_MOST = 1_300

USER = "device/loop.py"
USING = b"""

def check(key, message, signature):
    from kernel.release import lms

    return lms.verify(key, message, signature)
"""
MADE = "kernel/lms.py"


def measure(say: Callable[[str], None]) -> int:
    """Make the firmware small with a loop that verifies."""
    sources = read_sources(FIRMWARE)
    made = shrink({**sources, USER: sources[USER] + USING}, ["check"])
    plain = compile_source(sources["kernel/release/lms.py"], "kernel/release/lms.py")
    say(f"as it is written {len(plain)}")
    return len(compile_source(made[MADE], MADE, lines=False))
