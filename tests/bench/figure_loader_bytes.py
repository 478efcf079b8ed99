"""Bytes of the loader: what a board runs before an image; no release replaces it.

At most its place in flash, 64 KiB.
"""

from collections.abc import Callable

from cma_toolkit.firmware.kernel.release.layout import LOADER_BYTES
from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import romfs
from cma_toolkit.host_tools.image.loader import build_loader

UNIT = "bytes"
AT_MOST = LOADER_BYTES


def measure(say: Callable[[str], None]) -> int:
    """Build it now."""
    loader = build_loader(FIRMWARE)
    for path, data in romfs.read(loader).items():
        say(f"{path} {len(data)}")
    return len(loader)
