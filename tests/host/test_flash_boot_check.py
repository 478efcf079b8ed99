"""Judging what a board prints after it was flashed."""

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash.boot_check import AGENT, PROMPT, verdict

BANNER = b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\n"


def test_a_record_of_the_agent_proves_the_kernel() -> None:
    assert verdict(BANNER + b'\x1e{"kind":"status","name":"a"}\n') == AGENT


def test_a_prompt_proves_micropython() -> None:
    assert verdict(BANNER + b"MicroPython v1.29\r\n>>> ") == PROMPT


def test_a_reset_banner_alone_leaves_it_open() -> None:
    assert verdict(BANNER) == ""
    assert verdict(b"1 >>> 2 in some text") == ""


@pytest.mark.parametrize(
    "heard",
    [
        BANNER + b"invalid header: 0xffffffff\r\n",
        BANNER * 3,
        b"The filesystem appears to be corrupted. If you had important data there",
    ],
)
def test_a_board_in_trouble_is_named_with_exit_code_5(heard: bytes) -> None:
    with pytest.raises(CmaError) as error:
        verdict(heard)
    assert error.value.code is ExitCode.VERIFY_FAILED
