"""How many of the classes 37 to 64 of bad input are stopped, and why; with the named attacks.

A class counts if every test of it passes: the attack fails against our code, and succeeds against
each build that lacks one of the checks which stop it. Of attacks that befell others, under their
names, at least 20 must be shown in the same way, or the figure is not measured.
"""

from collections.abc import Callable

from attacks.classes import numbers_shown, run_files
from attacks.trust import NAMED, NAMED_MIN, TEST, TITLES, files, named_shown

UNIT = f"of_{len(TITLES)}_classes"
AT_LEAST = len(TITLES)


def measure(say: Callable[[str], None]) -> int:
    """Try every attack."""
    passed, failed = run_files(files())
    for file, name in failed:
        say(f"failed: {file} {name}")
    shown = numbers_shown([name for _, name in passed], [name for _, name in failed], TEST)
    for number, title in TITLES.items():
        if number not in shown:
            say(f"not shown: {number} {title}")
    named = named_shown(passed, failed)
    say(f"{named} of {len(NAMED)} named attacks; {len(passed)} tests passed")
    if named < NAMED_MIN:
        raise RuntimeError(f"{named} named attacks are shown, fewer than {NAMED_MIN}")
    return len(shown)
