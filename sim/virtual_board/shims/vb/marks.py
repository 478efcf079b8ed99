"""The marks of `console_marks.py`, as this side writes them."""

PROMPT = "\x1b]vb;prompt\x07"
BINARY = b"\x1b]vb;bin;%d\x07"
# A write of at most PIPE_BUF is whole or not at all, even when Ctrl-C interrupts it.
BINARY_BYTES_MAX = 4000
