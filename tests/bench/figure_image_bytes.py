"""Bytes of the image that a board runs: kernel, drivers and the greenhouse example.

At most 64 KiB, a quarter of what two slots have.
"""

from collections.abc import Callable

from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image

UNIT = "bytes"
AT_MOST = 65_536


def measure(say: Callable[[str], None]) -> int:
    """Build it now."""
    application = {"app.py": (FIRMWARE / "examples" / "greenhouse.py").read_bytes()}
    image = build_image(application, "greenhouse")
    say(", ".join(f"{part} {size}" for part, size in image.sizes.items() if size))
    plain = build_image(application, "greenhouse", plain=True)
    say(f"without the shrinker {len(plain.data)}")
    return len(image.data)
