"""Numbers modulo 2**255 - 19, by folding: what lies above bit 255 counts 19 times.

A division of MicroPython takes four times as long as a fold. Folded numbers are not the least
ones, only below 2**256; the last step of whoever computes with them is one `%`.

Source   D. J. Bernstein, "Curve25519: new Diffie-Hellman speed records", section 3
"""

PRIME = (1 << 255) - 19
LOW = (1 << 255) - 1


def square(number: int, times: int) -> int:
    """Return a number squared so many times."""
    for _ in range(times):
        number *= number
        number = (number & LOW) + 19 * (number >> 255)
        number = (number & LOW) + 19 * (number >> 255)
    return number


def times(one: int, other: int) -> int:
    """Return a product, folded."""
    number = one * other
    number = (number & LOW) + 19 * (number >> 255)
    return (number & LOW) + 19 * (number >> 255)


def raise_up(number: int) -> "tuple[int, int]":
    """Return the powers 2**250 - 1 and 11 of a number, with which two chains begin.

    Of both exponents that anybody needs all upper bits are ones.
    """
    two = square(number, 1)
    nine = times(number, square(two, 2))
    eleven = times(two, nine)
    made = times(nine, square(eleven, 1))  # 2**5 - 1
    made = times(square(made, 5), made)  # 2**10 - 1
    tenth = made
    made = times(square(made, 10), made)  # 2**20 - 1
    made = times(square(made, 20), made)  # 2**40 - 1
    made = times(square(made, 10), tenth)  # 2**50 - 1
    fiftieth = made
    made = times(square(made, 50), made)  # 2**100 - 1
    made = times(square(made, 100), made)  # 2**200 - 1
    made = times(square(made, 50), fiftieth)  # 2**250 - 1
    return made, eleven


def invert(number: int) -> int:
    """Return the reciprocal, 0 of 0, in the same steps for every number."""
    made, eleven = raise_up(number)
    return times(square(made, 5), eleven)
