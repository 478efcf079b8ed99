"""What stands in the cells when the power goes during an operation on NOR flash.

Any mixture of old and new bits can: a program sets its bits in no order that a chip promises.
"""

from cma_toolkit.firmware.kernel.prng import Prng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TEAR_MODES = (
    "before",
    "one byte",
    "half",
    "all but one byte",
    "second half",
    "one bit",
    "all but one bit",
    "random mask",
    "after",
)


def tear(mode: int, old: bytes, new: bytes, seed: int) -> bytes:
    """Return the cells of a torn operation.

    Shape: `mode` is an index of TEAR_MODES; old and new are equally long; `seed` chooses the bit
    or the mask.
    """
    size = len(old)
    kept_from, kept_to = _KEPT[mode](size) if mode in _KEPT else (0, 0)
    if mode in _KEPT:
        return new[:kept_from] + old[kept_from:kept_to] + new[kept_to:]
    rng = Prng(seed)
    if TEAR_MODES[mode] == "random mask":
        return bytes([_mix(old[i], new[i], rng.below(256)) for i in range(size)])
    changed = [i for i in range(size) if old[i] != new[i]]
    if not changed:
        return new
    place = changed[rng.below(len(changed))]
    bit = _one_bit(old[place] ^ new[place], rng)
    torn = bytearray(old if TEAR_MODES[mode] == "one bit" else new)
    torn[place] ^= bit
    return bytes(torn)


# Mode → from where to where the old bytes stand.
_KEPT: "dict[int, Callable[[int], tuple[int, int]]]" = {
    0: lambda size: (0, size),
    1: lambda size: (1, size),
    2: lambda size: (size // 2, size),
    3: lambda size: (size - 1, size),
    4: lambda size: (0, size // 2),
    8: lambda size: (0, 0),
}


def _mix(old: int, new: int, mask: int) -> int:
    return old & ~mask & 0xFF | new & mask


def _one_bit(bits: int, rng: Prng) -> int:
    each = [1 << place for place in range(8) if bits >> place & 1]
    return each[rng.below(len(each))]
