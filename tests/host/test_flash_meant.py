"""A board that was named is flashed only if it is the one that answers."""

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash.flash_job import FlashOptions, check_meant

HERE, NAMED = "a4:cf:12:00:00:01", "a4:cf:12:00:00:02"


def test_another_board_than_the_named_one_is_refused_by_its_mac() -> None:
    with pytest.raises(CmaError, match=f"{HERE}, not {NAMED}") as refusal:
        check_meant(HERE, FlashOptions(only_macs=[NAMED]))
    assert refusal.value.code == ExitCode.NO_DEVICE


@pytest.mark.parametrize("macs", [[], [HERE], [NAMED, HERE]])
def test_the_named_board_or_any_if_none_was_named_is_taken(macs: list[str]) -> None:
    check_meant(HERE, FlashOptions(only_macs=macs))
    assert FlashOptions(only_macs=macs).only_macs == macs
