"""Attacks 36 to 38: a name that reaches too far, or that is another one to somebody."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from attacks.attack import attack, check, refused_by_cma, stopped
from attacks.places import ARTEFACT, BUILD, ROMFS
from attacks.test_mixing import made

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.manifest import from_bytes, to_bytes
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.image import build, romfs
from cma_toolkit.host_tools.release import artefact, documents
from cma_toolkit.host_tools.release.repository import Repository

NAME_OF_A_RELEASE = check(
    "the name of a release",
    ARTEFACT,
    "    if not _is_name(name):\n        raise ValueError",
    "    if False:\n        raise ValueError",
)


def named(name: str) -> bytes:
    """Return a release in a file, its class that of another name."""
    release = made(1, "image")
    part = release.parts[0]
    manifest = from_bytes(Envelope(part.envelope).payload)
    manifest.class_id = artefact.class_id(name, "")
    part = replace(part, envelope=documents.envelope(to_bytes(manifest)))
    return replace(release, name=name, parts=(part,)).to_bytes()


@attack(NAME_OF_A_RELEASE)
def test_attack_36_path_traversal_by_a_release_name(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project" / "release")
    repository.publish(artefact.read(named("greenhouse_2.a"), "x"), b"")
    there = {path for path in tmp_path.rglob("*") if path.is_file()}
    for name in (
        "../keys/root",
        f"{tmp_path}/etc",
        "a/b",
        "..",
        "",
        "a\0b",
        "a\nb",
        "a\\b",
        "C:a",
    ):
        with suppress(CmaError, ValueError, OSError):
            repository.publish(artefact.read(named(name), "x"), b"")
        new = {path for path in tmp_path.rglob("*") if path.is_file()} - there
        stopped(not new, name)
        refused_by_cma(ExitCode.REFUSED, lambda name=name: artefact.read(named(name), "x"))


@attack(
    check(
        "plain names in an image",
        ROMFS,
        'if not path.isascii() or any(part in ("", ".", "..") for part in folders):',
        "if False:",
    )
)
def test_attack_36_path_traversal_in_an_image() -> None:
    assert romfs.read(romfs.pack({"lib/a.mpy": b"M"})) == {"lib/a.mpy": b"M"}
    for path in ("../boot.py", "/boot.py", "lib/../../boot.py", "lib//a"):
        refused_by_cma(ExitCode.REFUSED, lambda path=path: romfs.pack({path: b"M"}))


@attack(
    check(
        "names that are ours",
        BUILD,
        'raise ImageError(f"{path} would be hidden by our own {top}: give it another name.")',
        "pass",
    )
)
def test_attack_37_application_in_the_place_of_the_kernel() -> None:
    build.check_application({"app.py": b"", "lib/kernels.py": b"", "drivers/kernel.py": b""})
    for path in ("lib/kernel.py", "lib/kernel/agent.py", "lib/device/start.py", "lib/app.py"):
        refused_by_cma(ExitCode.REFUSED, lambda path=path: build.check_application({path: b""}))


@attack(
    check(
        "names that differ in case only", ROMFS, "        if other != path:", "        if False:"
    )
)
def test_attack_38_names_that_are_one_on_another_disk() -> None:
    romfs.pack({"lib/table.mpy": b"1", "lib/tables.mpy": b"2"})
    for other in ("lib/Table.mpy", "LIB/table.mpy"):
        files = {"lib/table.mpy": b"1", other: b"2"}
        refused_by_cma(ExitCode.REFUSED, lambda files=files: romfs.pack(files))


@attack(NAME_OF_A_RELEASE)
def test_attack_38_names_of_letters_that_look_alike() -> None:
    assert artefact.read(named("greenhouse"), "x").name == "greenhouse"
    for letter in ("\u0435", "\uff45", "e\u0301", "\u00e9"):  # Cyrillic, wide, accents both ways
        data = named(f"gr{letter}enhouse")
        refused_by_cma(ExitCode.REFUSED, lambda data=data: artefact.read(data, "x"))


@attack(check("each name once", ROMFS, "        if name in names:", "        if False:"))
def test_attack_38_one_name_twice_in_an_image() -> None:
    """A board opens the first of the two, and who looks into the image would see the second."""
    image = romfs.pack({"a.mpy": b"good", "b.mpy": b"evil"})
    assert romfs.read(image)["a.mpy"] == b"good"
    doubled = image.replace(b"a.mpy", b"b.mpy")
    refused_by_cma(ExitCode.REFUSED, lambda: romfs.read(doubled))
