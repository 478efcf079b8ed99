"""Repeatable random numbers: two multiply-with-carry generators, added.

Input    a seed
Effects  none
Bounds   four small ints of state; each step stays below 2**30, so nothing is allocated
Source   G. Marsaglia, "Random Number Generators", JMASM 2(1), 2003: multiply-with-carry. The
         multipliers make a * 2**15 - 1 a safe prime, so each half has period a * 2**14 - 1.

Not for keys.
"""

import binascii

_A = 32_760
_B = 32_730
_MASK = 0x7FFF


def seed_from(*parts: object) -> int:
    """Return one seed for a purpose from what names it, equal on both runtimes.

    Shape: strings, integers and bytes.
    """
    checksum = 0
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        checksum = binascii.crc32(data + b"\x00", checksum)
    return checksum


class Prng:
    """One stream of numbers; each consumer has its own, so that none disturbs another."""

    def __init__(self, seed: int) -> None:
        # No state may be all zeros or all ones, which repeat themselves: the number is 1 at least,
        # and the carry below its multiplier's least.
        self._x = 1 + seed % 32_766
        self._x_carry = (seed >> 15) % 32_749
        self._y = 1 + (seed >> 9) % 32_765
        self._y_carry = ((seed >> 3) ^ 0x2A5A5) % 32_719
        for _ in range(8):
            self.bits15()

    def bits15(self) -> int:
        """Return the next number of 15 bits."""
        product = _A * self._x + self._x_carry
        self._x = product & _MASK
        self._x_carry = product >> 15
        product = _B * self._y + self._y_carry
        self._y = product & _MASK
        self._y_carry = product >> 15
        return (self._x + self._y) & _MASK

    def below(self, bound: int) -> int:
        """Return a number in [0, bound).

        Units: `bound` is 1 to 2**29. The bias is below one in 2**14 for bounds below 2**15.
        """
        assert 0 < bound <= 1 << 29
        if bound <= 1 << 14:
            return (self.bits15() * bound) >> 15
        return ((self.bits15() << 15 | self.bits15()) & ((1 << 30) - 1)) % bound
