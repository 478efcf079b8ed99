"""How many of 50,000 power cuts of a board that gets MicroPython end with one that does not start.

Every flash operation of fetching, trying, keeping and giving up, the bootloader's own among them,
in nine tear modes, and a second cut in operations of each start after that. Wrong is: the
bootloader finds nothing, something runs that nobody signed, an older one runs than was confirmed,
or the story does not reach its end.
"""

from collections.abc import Callable

from support.runtime_cuts import RuntimeLife, cut_runtime_life
from support.runtimes import micropython

UNIT = "bricked_or_unsigned"
AT_MOST = 0
CASES = 50_000
SIZES = ((4_100, 900, 4_096), (1, 8_192, 5_000), (12_288, 12_000, 31))


def measure(say: Callable[[str], None]) -> int:
    """Cut lives until the number of cases is reached."""
    cases = wrong = turn = 0
    while cases < CASES:
        sizes = SIZES[turn // 2 % len(SIZES)]
        offers = [
            micropython(number, size, is_good=number != 7 or turn % 2 == 0)
            for number, size in zip((5, 7, 9), sizes, strict=True)
        ]
        name = "update" if turn % 2 == 0 else "revert"
        report = cut_runtime_life(RuntimeLife(name, offers), second=1 + turn % 3, to_end=3)
        cases += report.cases
        wrong += len(report.wrong)
        for problem in report.wrong[:3]:
            say(problem)
        say(f"{name}: {cases} cuts, {wrong} wrong")
        turn += 1
    return wrong
