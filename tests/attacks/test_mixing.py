"""Attacks 18 to 22: good parts that do not belong together, or not to this board."""

from dataclasses import replace

from attacks.attack import attack, check, refused, refused_by_cma
from attacks.places import ARTEFACT, MANIFEST, TRUST

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Numbers, Release
from support.release_board import RELEASE, Handed
from support.release_signers import manifest, signed


def made(sequence: int, text: str) -> Release:
    """Return a release whose image is a text a hundred times."""
    image = Image(text.encode() * 100, "greenhouse", "5ca1ab1e", "", {})
    return artefact.make("greenhouse", [image], "6.3", Numbers(sequence))


def refused_file(data: bytes) -> None:
    """Give a file to a person's `cma release`, which must refuse it in a sentence."""
    refused_by_cma(ExitCode.REFUSED, lambda: artefact.read(data, "x.release"))


@attack(
    check(
        "the digest of an image",
        ARTEFACT,
        "or manifest.digest != image_digest(image):",
        "or False:",
    )
)
def test_attack_18_manifest_of_one_release_and_image_of_another_in_a_file() -> None:
    release, other = made(1, "image"), made(1, "other")
    assert artefact.read(release.to_bytes(), "x") == release
    part = replace(release.parts[0], image=other.parts[0].image)
    refused_file(replace(release, parts=(part,)).to_bytes())


@attack(
    check("one number for all parts", ARTEFACT, "or len(sequences) != 1:", "or False:"),
)
def test_attack_19_parts_of_two_releases_in_a_file() -> None:
    first, second = made(1, "image"), made(2, "image")
    for release in (first, second):
        assert artefact.read(release.to_bytes(), "x") == release
    refused_file(replace(first, parts=(*first.parts, *second.parts)).to_bytes())


@attack(check("what is current", TRUST, "if envelope.digest() not in self.current:", "if False:"))
def test_attack_19_older_part_beside_what_is_current() -> None:
    handed = Handed()
    assert handed.release(manifest(2)) == 0
    refused(lambda: handed.take(signed(manifest(1), [RELEASE])), refusals.REFUSED_UNLISTED)


@attack(
    check(
        "the class of a board",
        MANIFEST,
        "manifest.class_id not in board.class_ids),",
        "False),",
    )
)
def test_attack_21_release_for_another_class_of_boards() -> None:
    handed = Handed()
    assert handed.release(manifest()) == 0
    other = artefact.class_id("greenhouse", "rv32imc")
    refused(lambda: handed.release(manifest(2, class_id=other)), refusals.REFUSED_CLASS)


@attack(
    check(
        "the class of an image",
        ARTEFACT,
        "if manifest.class_id != class_id(release.name, part.architecture):",
        "if False:",
    )
)
def test_attack_21_image_under_the_name_of_another_chip() -> None:
    release = made(1, "image")
    assert artefact.read(release.to_bytes(), "x") == release
    part = replace(release.parts[0], architecture="rv32imc")
    refused_file(replace(release, parts=(part,)).to_bytes())
    refused_file(replace(release, name="orchard").to_bytes())
