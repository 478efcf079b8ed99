"""A block from the form in which it travelled.

Input    decoded(form, data, size, running, inflate)
Effects  none
Bounds   one block
"""

from .talk import FORM_DEFLATED, FORM_PLAIN
from .vcdiff import DeltaError, apply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .holding import Holding

    Inflate = Callable[[bytes, int], bytes]


def decoded(
    form: int, data: bytearray, size: int, running: "Holding | None", inflate: "Inflate"
) -> "bytes | bytearray | None":
    """Return a block of a size; None if the data makes none."""
    try:
        if form == FORM_PLAIN:
            return data
        if form == FORM_DEFLATED:
            return inflate(bytes(data), size)
        block = bytearray(size)
        if running is not None:
            apply(data, running.read, running.manifest.size_bytes, block)
        return block
    except (DeltaError, ValueError):
        return None
