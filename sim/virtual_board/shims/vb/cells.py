"""The AND of NOR cells; it takes no memory, for the collector closes forgotten files with it."""

import micropython


@micropython.viper
def clear_bits(cells: ptr8, data: ptr8, size: int) -> int:  # noqa: F821 - viper's own type
    """Clear the bits that `data` has clear; return how many bytes then differ from `data`."""
    wrong = 0
    at = 0
    while at < size:
        cells[at] = cells[at] & data[at]
        if cells[at] != data[at]:
            wrong += 1
        at += 1
    return wrong
