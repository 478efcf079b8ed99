"""Stretches that Ctrl-C must not interrupt, because on a board they are C: littlefs, NVS, otadata.

The unix port raises KeyboardInterrupt out of its signal handler, at once. So our owner, who sends
the signal, looks first: it shares a file with us whose position is the number of open guards.
"""

import micropython
from vb import config

_RELATIVE = 1
_sign = open(config.get("guard"), "rb")  # noqa: SIM115 - open as long as the board runs


def enter():
    """Begin a guard; every one must end with `leave`."""
    _sign.seek(1, _RELATIVE)


def leave():
    """End a guard."""
    _sign.seek(-1, _RELATIVE)


def run(function, *arguments):
    """Call a function that no Ctrl-C interrupts, and return what it returns."""
    enter()
    try:
        value = function(*arguments)
    except BaseException as error:
        leave()
        raise error
    leave()
    return value


def switch_off():
    """Leave Ctrl-C to the prompt, for good; return once no interrupt can come any more."""
    while True:
        try:
            micropython.kbd_intr(-1)
            return
        except KeyboardInterrupt:
            pass
