"""Load the user's application: the image's, or the one that lies at /user while it is developed.

`cma run` puts an application at /user, where it shadows the image's, so that nothing is flashed.
A new image must not be shadowed by what is older: then that file is set aside, and it is said.
"""

import binascii
import os
import sys

MISSING, FAILED, RUNNING, LEGACY = "missing", "failed", "running", "no setup"

_SAFE_MODE_SAYS = (
    "the application crashed too often and is left out: mend it and run: cma run,"
    " or press the reset button to try it once more"
)
_BLOCK_BYTES = 256
_NAMES = ("app.py", "app.mpy")
_ABOUT = "/image.json"  # what the image says it is: other sources, other bytes
_STATE = "/.agent"
_SEEN = _STATE + "/image"  # the same bytes, as of the last start


def start(loop, folder):
    """Import the application unless it crashed too often; return its state and its `setup`."""
    if loop.agent.is_safe_mode:
        loop.sink.note("safe mode", _SAFE_MODE_SAYS)
        return "safe mode", None
    if not is_plain_program(folder):  # whose import may never end
        loop.watchdog.feed()
    return load(folder, loop.sink)


def load(folder, console, image="/rom"):
    """Import the application; return its state and its `setup`, None if there is none to run.

    An application that raises while it is imported is reported and left out.
    """
    _set_aside_what_is_older(folder, console, image)
    source = folder if _has_application(folder) else image
    if not _has_application(source):
        console.note("no application", "put app.py on this board: cma run")
        return MISSING, None
    if source == folder and _has_application(image):
        console.note("development", folder + " has an application: the image's does not run")
    _put_first(source)
    try:
        module = __import__("app")
    except Exception as error:  # noqa: BLE001 - the boundary to a user's code
        console.app_error("import", error)
        return FAILED, None
    setup = getattr(module, "setup", None)
    if setup is None:
        console.note("no setup", "app.py has no setup(agent); it ran as a plain program")
        return LEGACY, None
    return RUNNING, setup


def is_plain_program(folder):
    """Tell whether what will run is a program without `setup`, which may loop in its import.

    Such a program is a developer's, at /user: one in an image was built as an application.
    """
    return _has_application(folder) and not _find(folder, b"setup")


def fingerprint(folder, image="/rom"):
    """Return a number of 30 bits for the application that will run, 0 if there is none."""
    if not _has_application(folder):
        return binascii.crc32(_read(image + _ABOUT)) & 0x3FFFFFFF if _has_application(image) else 0
    crc = 0
    for block in _blocks(folder):
        crc = binascii.crc32(block, crc)
    return crc & 0x3FFFFFFF | 1


def _find(folder, word):
    """Tell whether a word stands in the application of a folder."""
    before = b""
    for block in _blocks(folder):
        before = before[1 - len(word) :] + block
        if word in before:
            return True
    return False


def _blocks(folder):
    for name in _NAMES:
        if _exists(folder + "/" + name):
            with open(folder + "/" + name, "rb") as file:
                while True:
                    block = file.read(_BLOCK_BYTES)
                    if not block:
                        return
                    yield block


def _put_first(source):
    # Its drivers and libraries come from the same place, and no other module named `app` or
    # `drivers` may stand in for them.
    for path in (source + "/lib", source):
        if path in sys.path:
            sys.path.remove(path)
        sys.path.insert(0, path)


def _set_aside_what_is_older(folder, console, image):
    about = _read(image + _ABOUT)
    if not about or about == _read(folder + _SEEN):
        return
    try:
        if _has_application(image):
            for name in _NAMES:
                path = folder + "/" + name
                if _exists(path):
                    os.rename(path, path + ".old")
                    console.note("set aside", "%s.old: the new image's application runs" % path)
        if not _exists(folder + _STATE):
            os.mkdir(folder + _STATE)
        with open(folder + _SEEN, "wb") as file:
            file.write(about)
    except OSError as error:  # no filesystem, or a full one: the agent runs all the same
        console.note("image not noted", "%s: %s; run: cma provision" % (folder, error))


def _has_application(folder):
    return any([_exists(folder + "/" + name) for name in _NAMES])


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
