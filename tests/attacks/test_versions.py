"""Attacks 10 to 14: a release that was good once, or counts further than any."""

from attacks.attack import attack, check, refused, stopped
from attacks.places import MANIFEST, TRUST

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.manifest import NUMBER_MAX
from support.release_board import (
    FIRST,
    RELEASE,
    RELEASE_2,
    ROOT,
    ROOT_2,
    Handed,
    hand_root,
    next_root,
)
from support.release_signers import manifest, role


def running(sequence: int, security_counter: int = 0) -> Handed:
    """Return a board on which a release proved healthy."""
    handed = Handed()
    assert handed.release(manifest(sequence, security_counter=security_counter)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    return handed


COUNTED = check(
    "counting on from a healthy release",
    TRUST,
    "self.sequence = max(self.sequence, manifest.sequence)",
    "pass",
)


@attack(
    check("the sequence", MANIFEST, "manifest.sequence <= sequence),", "False),"),
    COUNTED,
)
def test_attack_10_lower_version() -> None:
    handed = running(5)
    assert handed.release(manifest(6)) == 0
    refused(lambda: handed.release(manifest(4)), refusals.REFUSED_VERSION)


@attack(
    check(
        "the sequence that runs",
        MANIFEST,
        "manifest.sequence <= sequence),",
        "manifest.sequence < sequence),",
    ),
    COUNTED,
)
def test_attack_11_same_version_replayed() -> None:
    handed = running(5)
    assert handed.release(manifest(6)) == 0
    refused(lambda: handed.release(manifest(5)), refusals.REFUSED_VERSION)


@attack(
    check(
        "the security counter",
        MANIFEST,
        "manifest.security_counter < security_counter),",
        "False),",
    ),
    check(
        "counting on the security counter",
        TRUST,
        "self.security_counter = max(self.security_counter, manifest.security_counter)",
        "pass",
    ),
)
def test_attack_12_lower_security_counter_under_a_higher_version() -> None:
    handed = running(5, security_counter=3)
    assert handed.release(manifest(6, security_counter=3)) == 0
    refused(lambda: handed.release(manifest(6, security_counter=2)), refusals.REFUSED_COUNTER)


@attack(
    check(
        "the largest number",
        MANIFEST,
        "isinstance(value, bool) or not 0 <= value <= NUMBER_MAX:",
        "isinstance(value, bool) or not 0 <= value:",
    )
)
def test_attack_13_fast_forward_beyond_what_a_board_counts() -> None:
    assert Handed().release(manifest(NUMBER_MAX, security_counter=NUMBER_MAX)) == 0
    for number in (NUMBER_MAX + 1, 2**32 - 1, 2**64 - 1):
        for name in ("sequence", "security_counter", "size_bytes", "battery_mv", "after", "mpy"):
            payload = manifest(**{name: number})
            refused(lambda payload=payload: Handed().release(payload), what=name)


@attack(
    check(
        "other release keys count anew",
        TRUST,
        "self.sequence, self.security_counter = root.sequence, root.security_counter\n",
        "pass\n",
    )
)
def test_attack_14_fast_forward_that_outlives_the_stolen_key() -> None:
    handed = running(NUMBER_MAX, security_counter=NUMBER_MAX)
    roles = {**FIRST.roles, "release": role(1, RELEASE_2)}
    root = next_root(roles=roles, sequence=5, security_counter=2)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    good = manifest(6, security_counter=2)
    stopped(handed.release(good, RELEASE_2) == 0, "no release is newer than the thief's")
    refused(lambda: handed.release(good, RELEASE), refusals.REFUSED_UNSIGNED)
    wrong = {
        refusals.REFUSED_VERSION: manifest(5, security_counter=2),
        refusals.REFUSED_COUNTER: manifest(6, security_counter=1),
    }
    for reason, payload in wrong.items():
        refused(lambda payload=payload: handed.release(payload, RELEASE_2), reason)


@attack(check("other release keys void what was taken", TRUST, "self.manifest = None\n", "pass\n"))
def test_attack_14_confirmation_of_what_the_stolen_key_signed() -> None:
    handed = Handed()
    assert handed.release(manifest(NUMBER_MAX)) == 0
    roles = {**FIRST.roles, "release": role(1, RELEASE_2)}
    assert hand_root(handed.trust, next_root(roles=roles, sequence=5), ROOT, ROOT_2) == 0
    stopped(handed.trust.manifest is None, "it may be confirmed yet")
