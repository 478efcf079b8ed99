"""Hunt for an input that breaks a parser: `hunt.py NAME FOLDER [options of libFuzzer]`.

The folder holds the inputs to begin with; what reaches new code is put beside them. It ends as
libFuzzer does: with 0, or with a traceback and the input in a file.
"""

import sys
from importlib import import_module
from pathlib import Path

import atheris

TESTS = Path(__file__).parents[1]


def main(name: str, *options: str) -> None:
    """Fuzz one parser."""
    from fuzz.catalogue import PARSERS

    parser = PARSERS[name]
    with atheris.instrument_imports(include=[parser.instrumented]):
        take = import_module(parser.module).take
    atheris.Setup([name, *options], lambda data: take(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path[:1] = [str(TESTS), str(TESTS.parent / "firmware")]
    main(*sys.argv[1:])
