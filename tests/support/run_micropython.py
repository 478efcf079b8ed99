"""Run test files inside MicroPython: every `test_*` function of each; print how many passed.

Usage: micropython run_micropython.py FILE…. A failing test prints its traceback, and the exit code
is 1.
"""

import gc
import sys


def run_file(path):
    """Run one file; return how many tests passed and how many failed."""
    folder, name = path.rsplit("/", 1)
    sys.path.insert(0, folder)
    module = __import__(name[:-3])
    sys.path.pop(0)
    passed = failed = 0
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        gc.collect()  # or a large buffer finds no room between what the last test left
        try:
            getattr(module, test)()
            passed += 1
        except Exception as error:  # noqa: BLE001 - a runner reports whatever a test raises
            failed += 1
            print("FAILED", name, test)
            sys.print_exception(error)
    return passed, failed


if __name__ == "__main__":
    counts = [run_file(path) for path in sys.argv[1:]]
    print("passed", sum(count[0] for count in counts))
    sys.exit(1 if any(count[1] for count in counts) else 0)
