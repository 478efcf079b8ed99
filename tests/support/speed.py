"""Time calls in MicroPython: many short rounds in turn, and the least of each.

Whatever else the computer does only ever makes a round longer, and rounds that take turns share
what lasts: the ratio of two least times is steady where single times are not.
"""

import gc
import time

ROUNDS = 300
CALLS = 25


def measure(function, arguments):
    """Return how many microseconds so many calls take."""
    gc.collect()
    started_us = time.ticks_us()
    for _ in range(CALLS):
        function(*arguments)
    return time.ticks_diff(time.ticks_us(), started_us)


def least(calls):
    """Return the least time of each call, in nanoseconds.

    Shape: `calls` are pairs of a function and its arguments.
    """
    best = [1 << 29] * len(calls)
    for _ in range(ROUNDS):
        for index, (function, arguments) in enumerate(calls):
            best[index] = min(best[index], measure(function, arguments))
    return [1000 * time_us // CALLS for time_us in best]
