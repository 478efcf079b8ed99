"""Become MicroPython: the interpreter of the wheel is an extension module of CPython.

Usage: `python -I -S launch_micropython.py FOLDER_OF_THE_MODULE ARGUMENTS…`. Without site-packages
CPython starts in 50 ms.
"""

import sys

if __name__ == "__main__":
    sys.path.append(sys.argv.pop(1))
    import micropython_run

    sys.exit(micropython_run.run_main(sys.argv))
