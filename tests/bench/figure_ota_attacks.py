"""How many of the 90 classes of attacks and faults on updates are stopped, and why.

A class counts if every test of it passes: the attack fails against our code, and succeeds against
each verifier that lacks one of the checks which stop it.
"""

from collections.abc import Callable

from attacks.classes import COUNT, TITLES, numbers_shown, run

UNIT = f"of_{COUNT}_classes"
AT_LEAST = COUNT


def measure(say: Callable[[str], None]) -> int:
    """Try every attack."""
    passed, failed = run()
    for name in failed:
        say(f"failed: {name}")
    shown = numbers_shown(passed, failed)
    for number, title in TITLES.items():
        if number not in shown:
            say(f"not shown: {number} {title}")
    say(f"{len(passed)} tests passed")
    return len(shown)
