"""The loops that are machine code of a chip do what those in Python do, on this computer's."""

from support import native

TIMES = 400  # calls, drawn by tests/support/native_loops.py


def test_a_board_takes_them_if_its_image_has_them() -> None:
    found = [native.run("board_crypto", has_native=has).split() for has in (True, False)]
    assert found[0][:-4] == ["machine", "code"] and found[1][:-4] == ["Python"]
    for one in found:
        assert one[-4:-1] == ["True"] * 3
    assert found[0][-1] == found[1][-1]


def test_every_loop_does_the_same_as_in_python() -> None:
    assert native.run("native_loops") == f"{TIMES} of {TIMES}\n"
