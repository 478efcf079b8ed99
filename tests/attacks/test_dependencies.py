"""Attacks 34 and 35: a release that drags another one in, or waits for one that never comes."""

import cbor2
from attacks.attack import attack, check, refused, refused_by_cma
from attacks.places import ARTEFACT, MANIFEST
from attacks.test_encoding import ONE_FORM
from attacks.test_mixing import made

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release import artefact
from support.release_board import Handed
from support.release_signers import manifest

DEPENDENCIES, COMPONENTS = 1, 2  # SUIT's numbers


@attack(ONE_FORM)
def test_attack_34_extraneous_dependency() -> None:
    payload = manifest()
    assert Handed().release(payload) == 0
    outer = cbor2.loads(payload)
    common = cbor2.loads(outer[3])
    for added in ({DEPENDENCIES: {1: {}}}, {COMPONENTS: [[b"\0"], [b"\1"]]}):
        changed = cbor2.dumps({**common, **added}, canonical=True)
        more = cbor2.dumps({**outer, 3: changed}, canonical=True)
        refused(lambda more=more: Handed().release(more), refusals.REFUSED_MALFORMED, added)


@attack(check("the release before it", MANIFEST, "manifest.after > sequence),", "False),"))
def test_attack_35_missing_dependency() -> None:
    handed = Handed()
    assert handed.release(manifest(1)) == 0
    refused(lambda: handed.release(manifest(3, after=1)), refusals.REFUSED_DEPENDENCY)
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(3, after=1)) == 0


@attack(
    check("an earlier dependency", ARTEFACT, "if numbers.after >= numbers.sequence:", "if False:")
)
def test_attack_35_cyclic_dependency() -> None:
    """Two releases can wait for each other only if one waits for a later one, or for itself."""
    assert made(3, "image").sequence == 3
    for after in (3, 4):
        numbers = artefact.Numbers(3, after=after)
        refused_by_cma(
            ExitCode.USAGE,
            lambda numbers=numbers: artefact.make("greenhouse", [], "6.3", numbers),
        )
