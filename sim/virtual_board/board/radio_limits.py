"""What a person may say of a board's radio: numbers that make sense. Pure.

Raises   VirtualBoardError "usage" for any other value, with what to give
"""

import math
from typing import Any

from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError

METRES_MAX = 1e6
PERMILLE_MAX = 1000


def check_position(position_m: Any) -> tuple[float, float]:
    """Return a place on the plane."""
    if not isinstance(position_m, list | tuple) or len(position_m) != 2:
        raise VirtualBoardError("A position is two numbers, X and Y in metres.", "usage")
    x_m, y_m = position_m
    return _number(x_m, -METRES_MAX, "A position"), _number(y_m, -METRES_MAX, "A position")


def check_range(range_m: Any) -> float:
    """Return how far a radio reaches."""
    return _number(range_m, 0.0, "A range")


def check_loss(loss_permille: Any) -> int:
    """Return how many of a thousand frames get lost."""
    if type(loss_permille) is not int or not 0 <= loss_permille <= PERMILLE_MAX:
        raise VirtualBoardError("A loss is a whole number from 0 to 1000.", "usage")
    return loss_permille


def _number(value: Any, least_m: float, what: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and least_m <= value <= METRES_MAX):
        raise VirtualBoardError(
            f"{what} is in metres, from {least_m:.0f} to {METRES_MAX:.0f}: give such numbers.",
            "usage",
        )
    return float(value)
