"""What a fleet knows of what may run on its boards: releases, builds, MicroPythons, settings.

Reads the project's folder and the store of MicroPythons; touches no board.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cma_toolkit.boards.load import Board
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.trust import ROLE_RELEASE, Root
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.flash.contents import FIRMWARE, root_files
from cma_toolkit.host_tools.flash.store import Store
from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.fleet.project import Project
from cma_toolkit.host_tools.image import app_image, micropython, mpy, partition_table
from cma_toolkit.host_tools.image.build import Image, open_image
from cma_toolkit.host_tools.image.loader import build_loader, for_board
from cma_toolkit.host_tools.provision.desired import SECRET_KEYS, keys_of
from cma_toolkit.host_tools.release import artefact, runtime_image
from cma_toolkit.host_tools.release.artefact import Release
from cma_toolkit.host_tools.release.repository import FOLDER, Repository
from cma_toolkit.host_tools.secure.attestation import Reference, References

BUILDS = "build/*.romfs"


@dataclass(frozen=True)
class Sought:
    """A board that is to be judged: its kind and its line, and the digest of its image."""

    board: Board
    row: Row
    virtual: bool
    image: bytes


class Registry:
    """What the project and this computer know, read once for all boards.

    Shape: `build(chip, virtual)` returns the image of the project as it is now; it is called only
    for a board that runs nothing else known. `stand_ins(board)` returns the MicroPythons of
    virtual boards. With `least` only releases from that number on are right.
    Raises: CmaError 2 for a `least` that is not published, 4 for a release that nobody signed.
    """

    def __init__(
        self,
        project: Project,
        store: Store,
        build: Callable[[str, bool], Image],
        stand_ins: Callable[[Board], Mapping[str, bytes]],
        least: int = 0,
    ) -> None:
        self._project, self._store = project, store
        self._build, self._stand_ins = build, stand_ins
        repository = Repository(project.folder / FOLDER)
        self._roots = [
            bytes(Envelope(repository.read(repository.root_path(version))).payload)
            for version in repository.roots()
        ]
        self._releases = _believed(repository, self._roots)
        self._kept: tuple[dict[bytes, Reference], dict[str, str]] | None = None
        newest = self._releases[-1].sequence if self._releases else 0
        if least > newest:
            raise usage(
                f"Release {least} is not published, the newest is {newest}: give --least a "
                "number of those that are."
            )
        self._only_releases = least > 0
        self._least = least or newest

    def for_board(self, sought: Sought) -> References:
        """Return what one board is held to.

        Raises: CmaError, ImageError (the project's files).
        """
        images, sources = self._images(sought)
        pythons = list(self._micropythons(sought.board))
        return References(
            images=images,
            sources=sources,
            least=self._least,
            micropythons={sha256(app).digest(): reference for reference, app, _ in pythons},
            bootloaders=frozenset(sha256(one).digest() for *_, one in pythons if one),
            table=sha256(partition_table.to_bytes(sought.board.partitions)).digest(),
            loaders=self._loaders(sought.board),
            files={f"/{name}": sha256(data).digest() for name, data in root_files().items()},
            settings=self._settings(sought),
        )

    def _images(self, sought: Sought) -> tuple[dict[bytes, Reference], dict[str, str]]:
        """Return the images that are known, by their digests, and what they say of themselves."""
        if self._kept is None:
            self._kept = self._read_images()
        images, sources = ({**part} for part in self._kept)
        if sought.image not in images and not self._only_releases:
            image = self._build(sought.board.chip, sought.virtual)
            images[bytes.fromhex(image.sha256)] = Reference("this project as it is now")
            sources.setdefault(image.sources, "this project as it is now")
        return images, sources

    def _read_images(self) -> tuple[dict[bytes, Reference], dict[str, str]]:
        images: dict[bytes, Reference] = {}
        sources: dict[str, str] = {}
        paths = [] if self._only_releases else sorted(self._project.folder.glob(BUILDS))
        for path in paths:
            name = f"{path.parent.name}/{path.name}"
            _know(images, sources, path.read_bytes(), Reference(name))
        for release in self._releases:
            for part in release.parts:
                is_last = release is self._releases[-1]
                text = f"release {release.sequence}{', the newest' if is_last else ''}"
                _know(images, sources, part.image, Reference(text, release.sequence))
        return images, sources

    def _micropythons(self, board: Board) -> Iterator[tuple[Reference, bytes, bytes]]:
        """Yield each MicroPython of a board's build: what it is, itself and its bootloader."""
        build = board.micropython.image_name()
        merged = {
            f"MicroPython {release.version}": self._store.read(release)
            for release in self._store.releases()
            if release.board == build
        }
        for text, data in {**merged, **self._stand_ins(board)}.items():
            parts = micropython.split(data, board.chip)
            bootloader = app_image.with_flash_size(parts.bootloader, board.flash_size_bytes)
            yield Reference(f"{text}, {build}"), parts.app, bootloader
        for release in self._releases:
            for part in release.runtimes:
                if part.architecture == build:
                    text = f"MicroPython of release {part.manifest.sequence}, {build}"
                    _, size_bytes = app_image.from_bytes(part.image, text)
                    yield Reference(text), part.image[:size_bytes], b""

    def _loaders(self, board: Board) -> dict[bytes, Reference]:
        """Return the loaders that a board may have: each believes a root, or no release."""
        build = runtime_image.build_over_the_air(board)
        runtime = runtime_image.class_id(artefact.CLASSES, build) if build else b""
        families = (mpy.PORTABLE, mpy.family_of(board.chip))
        found = {}
        for name in {"", self._project.fleet.name, *(release.name for release in self._releases)}:
            kinds = [artefact.class_id(name, family) for family in families]
            for version, root in enumerate((b"", *self._roots)):
                loader = for_board(build_loader(FIRMWARE), root, kinds, runtime)
                text = f"believes root {version}" if version else "believes no release"
                found[sha256(loader).digest()] = Reference(f"as this cma writes it, {text}")
        return found

    def _settings(self, sought: Sought) -> dict[str, bytes]:
        project = self._project
        keys = keys_of(sought.row, project.fleet, sought.board, project.secrets)
        return {
            key: value
            for key, value in keys.items()
            if isinstance(value, bytes) and key not in SECRET_KEYS
        }


def _believed(repository: Repository, roots: Sequence[bytes]) -> list[Release]:
    """Return the published releases, each signed by the keys of a root that is or was the newest.

    Raises: CmaError 4 for one that is not.
    """
    if roots:
        repository.trust()  # each root is signed by the one before
    releases = repository.published()
    for release in releases:
        for part in release.all_parts:
            paper = Envelope(part.envelope)
            if not any(Root(root).is_signed(ROLE_RELEASE, paper, (sha256,)) for root in roots):
                raise refused(
                    f"Release {release.sequence} in {repository.folder} is not signed by this "
                    "fleet's keys: remove its file, or sign and publish it again."
                )
    return releases


def _know(
    images: dict[bytes, Reference], sources: dict[str, str], data: bytes, reference: Reference
) -> None:
    images[sha256(data).digest()] = reference
    sources[open_image(data, reference.text).sources] = reference.text
