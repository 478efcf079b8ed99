"""Load the user's application."""

import os
import sys

MISSING, FAILED, RUNNING, LEGACY = "missing", "failed", "running", "no setup"


def load(folder, console):
    """Import `app.py` of a folder; return its state and its `setup`, None if there is none to run.

    An application that raises while it is imported is reported and left out.
    """
    if not _exists(folder + "/app.py") and not _exists(folder + "/app.mpy"):
        console.note("no application", "put app.py on this board: cma run")
        return MISSING, None
    if folder not in sys.path:
        sys.path.append(folder)
    # First, for this one import: no other module named `app` may stand in for the user's.
    sys.path.insert(0, folder)
    try:
        module = __import__("app")
    except Exception as error:  # noqa: BLE001 - the boundary to a user's code
        console.app_error("import", error)
        return FAILED, None
    finally:
        sys.path.pop(0)
    setup = getattr(module, "setup", None)
    if setup is None:
        console.note("no setup", "app.py has no setup(agent); it ran as a plain program")
        return LEGACY, None
    return RUNNING, setup


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True
