"""The agent's image for the boards of one command: built once per kind of chip, or given."""

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.trust import ROLE_RELEASE
from cma_toolkit.host_tools.cli.build import image_maker, tell_making
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image
from cma_toolkit.host_tools.flash.flash_job import ANY_BOARD
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.build import APPLICATION, Image, open_image
from cma_toolkit.host_tools.image.loader import build_loader
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.repository import FOLDER, Repository


def application_of(project: Path | None) -> Path | None:
    """Return the application of a project, None outside one."""
    app = project / APPLICATION if project else None
    return app if app and app.is_file() else None


class AgentImages:
    """Images by architecture, as files that workers read.

    With `app` the application is in them, with `built` they are that file, an image or a signed
    release; else the kernel alone.
    Boards believe the newest root of `project`'s releases, if it has any.
    """

    def __init__(
        self,
        folder: Path,
        *,
        app: Path | None = None,
        built: Path | None = None,
        project: Path | None = None,
    ) -> None:
        self._folder = folder
        self._project = project
        self._app = app
        self._built = built
        self._make: Callable[[str], Image] | None = None
        self._images: dict[str, Image] = {}

    def check(self) -> None:
        """Refuse what cannot be built, before any board is touched.

        Raises: CmaError, ImageError (the application's author).
        """
        self._of(mpy.PORTABLE)

    @property
    def loader(self) -> str:
        """The file of the loader, as it is for every board."""
        path = self._folder / "loader.romfs"
        if not path.exists():
            path.write_bytes(build_loader(FIRMWARE))
        return str(path)

    @property
    def root(self) -> str:
        """The file of the document that boards are to believe, empty if there is none.

        Raises: CmaError 4 if it is damaged, or not signed by those before it.
        """
        path = self._folder / "root.cbor"
        if self._project and not path.exists():
            repository = Repository(self._project / FOLDER)
            if not repository.roots():
                return ""
            repository.trust()
            newest = Envelope(repository.read(repository.newest_root_path()))
            path.write_bytes(newest.payload)
        return str(path) if path.exists() else ""

    @property
    def envelopes(self) -> dict[str, str]:
        """The files of the signed manifests, by the digest of the image that each is for."""
        found = {}
        for part in self._parts:
            path = self._folder / f"manifest-{part.architecture}.cbor"
            path.write_bytes(part.envelope)
            found[sha256(part.image).hexdigest()] = str(path)
        return found

    def of(self, chip: str, *, virtual: bool) -> Image:
        """Return the image for a board.

        Raises: CmaError, ImageError (the application's author).
        """
        portable = self._of(mpy.PORTABLE)
        if portable:
            return portable
        found = self._of(mpy.THIS_COMPUTER if virtual else mpy.family_of(chip))
        assert found
        return found

    def files(self, port: Port) -> dict[str, str]:
        """Return the file for each architecture that the board at a port may have."""
        image = self._of(mpy.PORTABLE)
        if image:
            if port.virtual and image.architecture not in (mpy.PORTABLE, mpy.this_architecture()):
                raise refused(
                    f"{self._built} has native code for {image.architecture}, which a virtual "
                    "board does not run: flash it from its sources."
                )
            return {ANY_BOARD: self._file(mpy.PORTABLE)}
        if port.virtual:
            return {mpy.this_architecture(): self._file(mpy.THIS_COMPUTER)}
        families = [part.architecture for part in self._parts] or mpy.FAMILIES
        return {family: self._file(family) for family in families}

    def _file(self, architecture: str) -> str:
        image = self._of(architecture)
        assert image
        path = self._folder / f"agent-{architecture}.romfs"
        if not path.exists():
            path.write_bytes(image.data)
        return str(path)

    def _of(self, architecture: str) -> Image | None:
        """Return the image for an architecture, None if there is none for all."""
        if architecture not in self._images:
            try:
                self._images[architecture] = self._build(architecture)
            except mpy.NativeCodeError:
                return None
        return self._images[architecture]

    def _build(self, architecture: str) -> Image:
        if self._parts:
            return open_image(self._part(architecture).image, str(self._built))
        if self._built:
            return open_image(self._read(self._built), str(self._built))
        if self._app is None:
            return build_image(architecture=architecture, on_making=tell_making)
        if self._make is None:
            self._make = image_maker(self._app)
        return self._make(architecture)

    def _part(self, architecture: str) -> Part:
        """Return what a release has for an architecture.

        Raises: NativeCodeError if it has none for all chips, CmaError 4 if none for this one.
        """
        for part in self._parts:
            if part.architecture == architecture:
                return part
        if architecture == mpy.PORTABLE:
            raise mpy.NativeCodeError(f"{self._built} has no image that runs on every chip.")
        what = "a virtual board" if architecture == mpy.THIS_COMPUTER else architecture
        raise refused(f"{self._built} has no image for {what}: flash it from its sources.")

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        """The images of the release that was given, none if it is no release.

        Raises: CmaError 4 for one that boards of this project would not believe.
        """
        if self._built is None or self._built.suffix != artefact.SUFFIX:
            return ()
        release = artefact.read(self._read(self._built), str(self._built))
        if self._project is None:
            raise refused(
                f"{self._built} is for boards of a project: run this in the folder that has its "
                "release/."
            )
        root = Repository(self._project / FOLDER).trust().root
        for part in release.parts:
            if not root.is_signed(ROLE_RELEASE, Envelope(part.envelope), (sha256,)):
                raise refused(
                    f"{self._built} is not signed by enough keys of {FOLDER}/: sign it with cma "
                    f"release sign {self._built}"
                )
        return release.parts

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise usage(
                f"{path} cannot be read ({error.strerror}). Make it with cma build."
            ) from error
