"""The tests of attacks cannot pass by mistake."""

import pytest
from attacks.attack import Edit, SucceededError, check, refused_by_cma, survived
from attacks.classes import COUNT, numbers_shown
from attacks.places import TRUST

from cma_toolkit.firmware.kernel.release.trust import Trust
from cma_toolkit.host_tools.errors import ExitCode
from support.release_board import FIRST, Handed
from support.release_signers import manifest

UNSIGNED = check(
    "signatures",
    TRUST,
    "if not self.root.is_signed(ROLE_RELEASE, envelope, self._families):",
    "if False:",
)


def test_a_check_that_moved_is_missed() -> None:
    for text in ("if not self.root.is_signed(ROLE_FELLOW", "self.root"):
        with pytest.raises(LookupError, match="where its check is now"):
            Edit(TRUST, text, "").source  # noqa: B018 - reading it is the point


def test_a_check_is_back_when_its_removal_is_over() -> None:
    code = Trust.vouched.__code__
    with UNSIGNED.removed():
        assert Trust.vouched.__code__ != code
    assert Trust.vouched.__code__ == code
    assert Handed(FIRST).release(manifest()) == 0


def test_what_crashes_has_lost_and_what_is_done_is_not_refused() -> None:
    with pytest.raises(SucceededError):
        survived(lambda: 1 // 0)
    with pytest.raises(SucceededError):
        refused_by_cma(ExitCode.USAGE, lambda: None)


def test_a_class_counts_only_if_it_is_stopped_and_is_not_without_a_check() -> None:
    stopped, without = "test_attack_07_x[stopped]", "test_attack_07_y[without a check]"
    assert COUNT == 90
    assert numbers_shown([stopped, without, "test_other[stopped]"], []) == {7}
    assert numbers_shown([stopped], []) == numbers_shown([without], []) == set()
    assert numbers_shown([stopped, without], ["test_attack_07_z[stopped]"]) == set()
