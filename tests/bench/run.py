"""Measure figures: `run.py NAME` or `run.py --all`.

A figure is a file `figure_<name>.py` beside this one with `UNIT` and
`measure(say) -> float | int`; `say(text)` tells a person how far it is. The last line printed is
`<name> <value> <unit>`.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return the figures there are, in order of name."""
    return sorted(path.stem.removeprefix("figure_") for path in HERE.glob("figure_*.py"))


def measure(name: str) -> str:
    """Measure one figure now and return its line."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"figure_{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    value = module.measure(lambda text: print(f"  {text}", file=sys.stderr, flush=True))
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{name} {shown} {module.UNIT}"


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    if arguments == ["--all"]:
        for line in [measure(name) for name in names()]:
            print(line)
        return 0
    if len(arguments) != 1 or arguments[0] not in names():
        print(
            f"usage: make figure NAME=x, where x is one of: {', '.join(names())}", file=sys.stderr
        )
        return 2
    print(measure(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "firmware")]
    raise SystemExit(main(sys.argv[1:]))
