"""Hunt for an input that breaks a parser: `hunt.py MODULE PACKAGE FOLDER [options]`.

The module is that of the parser, the package that whose coverage guides. The folder holds the
inputs to begin with; what reaches new code is put beside them. Options are those of libFuzzer, and
it ends as that does: with 0, or with a traceback and the input in a file.
"""

import sys
from importlib import import_module
from pathlib import Path

import atheris

TESTS = Path(__file__).parents[1]


def main(module: str, package: str, *options: str) -> None:
    """Fuzz one parser."""
    with atheris.instrument_imports(include=[package]):
        take = import_module(module).take
    atheris.Setup([module, *options], lambda data: take(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path[:1] = [str(TESTS), str(TESTS.parent / "firmware")]
    main(*sys.argv[1:])
