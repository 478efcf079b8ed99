"""Which leaves of a key may still sign: ranges, none of which ever grows back by itself.

Pure. A range is its first leaf and the one after its last.
"""

Ranges = tuple[tuple[int, int], ...]


def count(free: Ranges) -> int:
    """Return how many leaves there are."""
    return sum(end - start for start, end in free)


def take_first(free: Ranges) -> tuple[int, Ranges]:
    """Return the first leaf and what is left without it; there must be one."""
    (start, end), *others = free
    return start, _tidy(((start + 1, end), *others))


def take_last(free: Ranges, wanted: int) -> tuple[Ranges, Ranges]:
    """Return the last leaves, so many at most, and what is left without them."""
    taken: list[tuple[int, int]] = []
    kept = list(free)
    while kept and wanted:
        start, end = kept.pop()
        cut = max(start, end - wanted)
        taken.append((cut, end))
        wanted -= end - cut
        if cut > start:
            kept.append((start, cut))
    return _tidy(tuple(taken)), _tidy(tuple(kept))


def common(one: Ranges, other: Ranges) -> Ranges:
    """Return the leaves that are in both."""
    return _tidy(tuple((max(a, c), min(b, d)) for a, b in one for c, d in other))


def joined(one: Ranges, other: Ranges) -> Ranges:
    """Return the leaves that are in either."""
    return _tidy(one + other)


def _tidy(ranges: Ranges) -> Ranges:
    """Return the ranges in order, none empty, those that touch as one."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if made and start <= made[-1][1]:
            made[-1] = made[-1][0], max(end, made[-1][1])
        else:
            made.append((start, end))
    return tuple(made)
