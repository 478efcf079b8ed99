"""Instants that wrap: milliseconds modulo 2**29.

Input    two instants, or an instant and a span
Effects  none
Bounds   all values below 2**29: small ints on 32-bit boards, nothing is allocated
Source   MicroPython `time.ticks_add` and `ticks_diff`, with a period of our own because theirs
         differs by port
"""

TICKS_PERIOD = 1 << 29
_HALF = 1 << 28
_MASK = TICKS_PERIOD - 1


def ticks_add(at_ms: int, span_ms: int) -> int:
    """Return the instant `span_ms` after `at_ms`; the span may be negative.

    Units: milliseconds; the span's magnitude is below 2**28.
    """
    return (at_ms + span_ms) & _MASK


def ticks_diff(later_at_ms: int, earlier_at_ms: int) -> int:
    """Return the span from the second instant to the first, negative if it lies behind.

    Units: milliseconds, in [-2**28, 2**28).
    """
    return ((later_at_ms - earlier_at_ms + _HALF) & _MASK) - _HALF
