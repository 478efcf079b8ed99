"""Attacks 48 and 49: orders that were given once, or by nobody."""

from attacks.attack import attack, check, refused, stopped
from attacks.places import RECORD, TRUST
from attacks.slots import THREE, TWO, Box

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.release import documents
from support.release_board import RELEASE, THIEF, TIMESTAMP, Handed
from support.release_signers import LATER_S, NOW_S, manifest, signed
from support.slot_cuts import timestamp


@attack(
    check(
        "the newest timestamp",
        TRUST,
        "        if version < self.timestamp_version or (\n"
        "            version == self.timestamp_version and (current != self.current)\n"
        "        ):",
        "        if False:",
    )
)
def test_attack_48_replay_of_an_old_order() -> None:
    handed = Handed()
    withdrawn, good = manifest(1), manifest(2)
    stamps = [
        signed(
            documents.timestamp(version, NOW_S, LATER_S, [documents.digest_of(payload)]),
            [TIMESTAMP],
        )
        for version, payload in ((1, withdrawn), (2, good), (2, withdrawn))
    ]
    for stamp in stamps[:2]:
        assert handed.trust.on_timestamp(stamp) == 0
    for stamp in (stamps[0], stamps[2]):
        refused(lambda stamp=stamp: handed.trust.on_timestamp(stamp), refusals.REFUSED_VERSION)
    assert handed.trust.on_timestamp(stamps[1]) == 0
    assert handed.take(signed(good, [RELEASE])) == 0


@attack(check("what is kept of timestamps", RECORD, "        if facts:", "        if False:"))
def test_attack_48_replay_of_an_old_order_after_a_restart() -> None:
    box = Box()
    box.boot()
    assert box.board.on_timestamp(timestamp(1, TWO)) == 0
    assert box.board.on_timestamp(timestamp(2, THREE)) == 0
    box.boot()
    refused(lambda: box.board.on_timestamp(timestamp(1, TWO)), refusals.REFUSED_VERSION)
    assert box.offer(THREE, version=3) == 0


@attack(
    check(
        "the signature of a timestamp",
        TRUST,
        "if not self.root.is_signed(ROLE_TIMESTAMP, envelope, self._families):",
        "if False:",
    )
)
def test_attack_49_abort_that_nobody_signed() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    nothing = documents.timestamp(2, NOW_S, LATER_S, [])
    for signers in ([], [THIEF], [RELEASE]):
        data = signed(nothing, signers)
        refused(lambda data=data: handed.trust.on_timestamp(data), refusals.REFUSED_UNSIGNED)
    stopped(handed.take(signed(payload, [RELEASE])) == 0, "the release is gone")
