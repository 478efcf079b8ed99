"""Bytes that pass between a board's shims and its bridge inside the console stream.

Each is a private terminal sequence, so that a person who reads the raw stream sees nothing odd.
The shims repeat these bytes in `shims/vb/marks.py`; a test holds the two together.
"""

# The start-up scripts are done; what follows comes from the prompt's own code.
PROMPT = b"\x1b]vb;prompt\x07"
# `sys.stdout.buffer` writes: so many bytes follow which no newline conversion may touch.
BINARY = b"\x1b]vb;bin;"
BINARY_END = b"\x07"
BINARY_DIGITS_MAX = 4

# What MicroPython's own prompt says (shared/runtime/pyexec.c).
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
FRIENDLY_BANNER = b'Type "help()" for more information.\r\n'
SOFT_REBOOT = b"MPY: soft reboot\r\n"
