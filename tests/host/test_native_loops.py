"""The loops that are machine code of a chip do what those in Python do, on this computer's."""

from support import native

TIMES = 400  # calls, drawn by tests/support/native_loops.py


def test_every_loop_does_the_same_as_in_python() -> None:
    assert native.run("native_loops") == f"{TIMES} of {TIMES}\n"
