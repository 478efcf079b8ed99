"""What a script answered, between its marks: found among prints, refused when it is damaged."""

import pytest

from cma_toolkit.host_tools.ports.reply import FRAME_BEGIN, FRAME_END, split


def test_what_was_printed_stays_apart() -> None:
    output = b"dust" + FRAME_BEGIN + b'{"n": 42}' + FRAME_END + b"more"
    assert split(output) == (b"dust", {"n": 42})


def test_without_a_mark_there_is_no_answer() -> None:
    assert split(b"only prints") == (b"only prints", ())


@pytest.mark.parametrize(
    "text", [b"", b'{"n": 4', b"[" * 100_000, b'"\\ud800"', b"NaN", b"\xff", b"1" * 5_000]
)
def test_a_damaged_answer_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        split(FRAME_BEGIN + text + FRAME_END)
