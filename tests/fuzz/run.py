"""Fuzz parsers: `run.py [--minutes N] [NAME…]`, all of them if none is named.

What is gathered stays in `build/fuzz/`, and the next hunt goes on from there. The exit code is 1
if something was found.
"""

import argparse
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    from fuzz.catalogue import PARSERS

    reader = argparse.ArgumentParser(prog="make fuzz", description="Fuzz the parsers.")
    reader.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARSERS))
    reader.add_argument("--minutes", type=float, help="for all of them together")
    asked = reader.parse_args(arguments)
    unknown = [name for name in asked.names if name not in PARSERS]
    if unknown:
        known = ", ".join(PARSERS)
        print(
            f"make fuzz: no parser is called {unknown[0]}: name one of {known}.", file=sys.stderr
        )
        return 2
    if asked.minutes is not None and asked.minutes <= 0:
        print("make fuzz: MINUTES is a number above 0.", file=sys.stderr)
        return 2
    from fuzz.all_parsers import fuzz

    chosen = [PARSERS[name] for name in asked.names] or list(PARSERS.values())
    return fuzz(chosen, asked.minutes)


if __name__ == "__main__":
    sys.path[:1] = [str(TESTS), str(TESTS.parent / "firmware")]
    raise SystemExit(main(sys.argv[1:]))
