"""The order of a set of texts: CPython draws it anew in each process, unless it is told not to."""

import os
import sys

RUN_WORLDS = ("sim", "energy", "rollout")  # commands that may run an application in a world
_VARIABLE = "PYTHONHASHSEED"
_FIXED = "6640"  # that of the workers of Dask, which take no 0


def fix_order() -> None:
    """Replace this process by one in which a set has the same order on every run.

    The processes that it starts have that order, too. Left out: Windows, which cannot replace a
    process.
    """
    if os.environ.get(_VARIABLE) == _FIXED or os.name == "nt":
        return
    os.environ[_VARIABLE] = _FIXED
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
