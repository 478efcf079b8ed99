"""Which numbers of a sender were accepted: a frame counts once.

Unlike the router's windows, which only save work, these never begin anew: a number behind the
window is refused for good, since numbers of one sender never repeat under a key.

Input    is_new, then, of a frame that proved genuine, after
Effects  none
Bounds   two integers a sender, of at most 30 bits; nothing is allocated
Source   RFC 4303, section 3.4.3; RFC 8613, section 7.4
"""

SEEN_BITS_MAX = 30  # a small int on every board


def is_new(newest: int, seen: int, number: int, width: int) -> bool:
    """Tell whether a number may be accepted.

    Shape: bit n of `seen` is the frame n before the newest, 0 in all: none yet; `width` bits.
    """
    behind = newest - number
    if not seen or behind < 0:
        return True
    return behind < width and not seen >> behind & 1


def after(newest: int, seen: int, number: int, width: int) -> int:
    """Return what was seen once a number that is new is accepted, as of the newer of both."""
    ahead = number - newest
    if not seen or ahead >= width:
        return 1
    if ahead > 0:
        return (seen & (1 << width - ahead) - 1) << ahead | 1
    return seen | 1 << -ahead


def touch(order: bytearray, row: int) -> None:
    """Move a row to the front of an order of use."""
    held = row
    for index in range(len(order)):
        order[index], held = held, order[index]
        if held == row:
            return
