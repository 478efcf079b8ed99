"""Stretches of Python that Ctrl-C must not interrupt, because on a board they are C: NVS, otadata.

Inside a guard SIGINT is off, and the position of a file that we share with our owner says so: who
wants to interrupt waits. An interrupt that came before and was not noticed yet is raised at the end.

A pending interrupt is noticed at jumps only. So the order of the lines matters: no jump before
`_kbd_intr(-1)`, none after `_kbd_intr(_char)`.
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
    """Call a function that no Ctrl-C interrupts, and return what it returns.

    Raises: KeyboardInterrupt afterwards, if Ctrl-C was pressed just before.
    """
    pending = _enter()
    try:
        value = function(*arguments)
    except BaseException as error:
        _leave()
        raise error
    _leave()
    if pending:
        raise KeyboardInterrupt
    return value


def switch_off():
    """Leave Ctrl-C to the prompt, for good; return once no interrupt can come any more."""
    while True:
        try:
            _kbd_intr(-1)
            for _ in (0, 1):
                pass
            _sign.seek(0)
            return
        except KeyboardInterrupt:
            pass


def _enter():
    global _depth
    _sign.seek(1)
    _kbd_intr(-1)
    pending = False
    try:
        for _ in (0, 1):
            pass
    except KeyboardInterrupt:
        pending = True
    _depth += 1
    return pending


def _leave():
    global _depth
    _depth -= 1
    if _depth:
        return
    _kbd_intr(_char)
    _sign.seek(0)
