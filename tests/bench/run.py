"""Measure figures: `run.py NAME` or `run.py --all`.

A figure is a file `figure_<name>.py` beside this one with `UNIT`, `measure(say) -> float | int`
and a bar: `AT_LEAST` or `AT_MOST`. `say(text)` tells a person how far it is. The last line printed
is `<name> <value> <unit>`; a figure that misses its bar makes the command fail.
"""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return the figures there are, in order of name."""
    return sorted(path.stem.removeprefix("figure_") for path in HERE.glob("figure_*.py"))


def load(name: str) -> ModuleType:
    """Import the file of one figure."""
    spec = importlib.util.spec_from_file_location(f"figure_{name}", HERE / f"figure_{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # what it hands to other processes is looked up there
    spec.loader.exec_module(module)
    return module


def missed_bar(figure: ModuleType, value: float) -> str:
    """Return which bar a value misses, "" if none."""
    if value < getattr(figure, "AT_LEAST", value):
        return f"the bar is at least {figure.AT_LEAST}"
    if value > getattr(figure, "AT_MOST", value):
        return f"the bar is at most {figure.AT_MOST}"
    return ""


def measure(name: str) -> bool:
    """Measure one figure now, print its line; returns whether it meets its bar."""
    figure = load(name)
    value = figure.measure(lambda text: print(f"  {text}", file=sys.stderr, flush=True))
    missed = missed_bar(figure, value)
    if missed:
        print(f"{name}: {missed}", file=sys.stderr)
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    print(f"{name} {shown} {figure.UNIT}", flush=True)
    return not missed


def measure_all() -> bool:
    """Measure every figure; one that crashes is reported and the others go on."""
    good = True
    for name in names():
        try:
            good &= measure(name)
        except Exception:  # noqa: BLE001 - any of them may fail; the rest is still worth an hour
            traceback.print_exc()
            print(f"{name}: not measured", flush=True)
            good = False
    return good


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    if arguments == ["--all"]:
        return 0 if measure_all() else 1
    if len(arguments) != 1 or arguments[0] not in names():
        print(
            f"usage: make figure NAME=x, where x is one of: {', '.join(names())}", file=sys.stderr
        )
        return 2
    return 0 if measure(arguments[0]) else 1


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "firmware")]
    raise SystemExit(main(sys.argv[1:]))
