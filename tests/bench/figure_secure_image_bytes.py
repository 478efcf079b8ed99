"""Bytes that `kernel/secure` adds to the image of an agent that speaks it, with machine code.

The firmware is made small as for every image, once with a program that calls what the room offers
and once without; the program itself does not count. It calls everything twice, or what is called
from one place only would become part of it. What a board runs by cable alone is in no image, and
said apart.
"""

from collections.abc import Callable

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from support.secure_driver import LEFT_OUT, ROOM, driver

UNIT = "bytes"
AT_MOST = 16_384

NATIVE = "native/loops.py"
USER, TWICE = "device/loop.py", ["once", "again"]
OF_LOOPS = ["mix", "count"]  # as machine code calls them


def _size(sources: dict[str, bytes], imports: list[str], calls: list[str]) -> int:
    lines = ["", *imports]
    for name in TWICE:
        lines += ["", f"def {name}():", *(f"    {line}" for line in [*calls, "pass"])]
    text = sources[USER] + "\n".join(lines).encode() + b"\n"
    made = shrink({**sources, USER: text}, TWICE + OF_LOOPS)
    made.pop(USER)
    return sum(len(data) for data in mpy.compile_files(made, lines=False).values())


def measure(say: Callable[[str], None]) -> int:
    """Make an image with and one without; beside them, each file as it is written."""
    sources = mpy.read_sources(FIRMWARE)
    for path, text in sources.items():
        if path.startswith(ROOM):
            say(f"as written, {path} {len(mpy.compile_source(text, path, lines=False))}")
    for path in LEFT_OUT:
        del sources[path]
    # An image cannot tell apart two classes Identity of two files of one name: an agent that takes
    # both needs another for one of them.
    sources[ROOM + "own_identity.py"] = sources.pop(ROOM + "identity.py")
    native_source = (FIRMWARE / NATIVE).read_bytes()
    native = max(
        len(mpy.compile_source(native_source, NATIVE, family, lines=False))
        for family in mpy.FAMILIES
    )
    before = _size(sources, [], [])
    added = _size(sources, *driver(sources)) - before
    by_cable = _size(sources, *driver(sources, ())) - before - added
    say(f"in the image {added}, machine code {native}; by cable alone {by_cable}")
    return added + native
