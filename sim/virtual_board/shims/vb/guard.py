"""Stretches that Ctrl-C must not interrupt, because on a board they are C: littlefs, NVS, otadata.

The unix port raises KeyboardInterrupt out of its signal handler, at once. Inside a guard
SIGINT is off, and the position of a file that we share with our owner says so: who wants to
interrupt waits.
"""

import micropython
from vb import config

_CTRL_C = 3
_kbd_intr = micropython.kbd_intr
_sign = open(config.get("guard"), "rb")  # noqa: SIM115 - open as long as the board runs
_char = _CTRL_C
_depth = 0


def set_interrupt_character(char):
    """Do what `micropython.kbd_intr` does, and remember it."""
    global _char
    _kbd_intr(char)
    _char = char


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
            _kbd_intr(-1)
            _sign.seek(0)
            return
        except KeyboardInterrupt:
            pass


def enter():
    """Begin a guard; every one must end with `leave`."""
    global _depth
    try:
        _sign.seek(1)
        _kbd_intr(-1)
    except KeyboardInterrupt as error:
        _sign.seek(0)
        raise error
    _depth += 1


def leave():
    """End a guard."""
    global _depth
    _depth -= 1
    if _depth:
        return
    try:
        _kbd_intr(_char)
        _sign.seek(0)
    except KeyboardInterrupt as error:
        _sign.seek(0)
        raise error
