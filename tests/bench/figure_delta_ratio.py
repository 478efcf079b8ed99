"""What a board fetches of an image when one function was changed, of the image's bytes.

Both builds are real ones, by `cma build`; the function is one of the firmware's, so that our own
code that makes images small goes over all of it again. Each block's window of VCDIFF is applied,
by the code that boards have, before it counts.
"""

from collections.abc import Callable

from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES
from cma_toolkit.firmware.kernel.release.vcdiff import apply
from cma_toolkit.host_tools.release.delta import Source
from cma_toolkit.host_tools.release.published import deflate
from support.consecutive_builds import CHANGES, after, first

UNIT = "percent"
AT_MOST = 10


def measure(say: Callable[[str], None]) -> float:
    """Return the worst of some changes of one function."""
    old, worst = first(), 0.0
    for change in CHANGES:
        new = after(change)
        assert new != old
        size = delta_bytes(old, new)
        whole = sum(len(deflate(new[at : at + BLOCK_BYTES])) for at in blocks(new))
        say(f"{change[0]}: {size} of {len(new)} bytes; deflated the image is {whole}")
        worst = max(worst, 100 * size / len(new))
    return worst


def delta_bytes(old: bytes, new: bytes) -> int:
    """Return the bytes of all windows, each of which makes its block."""
    source, total = Source(old), 0

    def read(address: int, buffer: memoryview) -> None:
        buffer[:] = old[address : address + len(buffer)]

    for at in blocks(new):
        block = new[at : at + BLOCK_BYTES]
        window = source.window(block, at)
        made = bytearray(len(block))
        apply(window, read, len(old), made)
        assert bytes(made) == block
        total += len(window)
    return total


def blocks(image: bytes) -> range:
    """Return where the blocks of an image begin."""
    return range(0, len(image), BLOCK_BYTES)
