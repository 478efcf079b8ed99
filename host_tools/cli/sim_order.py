"""The order of a set of texts: CPython draws it anew in each process, unless it is told not to."""

import os
import sys

_VARIABLE = "PYTHONHASHSEED"
_FIXED = "0"


def fix_order() -> None:
    """Replace this process by one in which a set has the same order on every run.

    The processes that it starts have that order, too. Left out: Windows, which cannot replace a
    process.
    """
    is_fixed = not sys.flags.hash_randomization or os.environ.get(_VARIABLE) == _FIXED
    if is_fixed or os.name == "nt":
        return
    os.environ[_VARIABLE] = _FIXED
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
