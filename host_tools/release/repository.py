"""The folder that boards and servers get releases from: public documents only.

`root.1.cbor` and its successors, `timestamp.cbor`, and the releases. A new timestamp is written
last, so that what it names is there.
"""

import re
from pathlib import Path

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.refusals import (
    REFUSAL_NAMES,
    REFUSED_UNSIGNED,
    RefusedError,
)
from cma_toolkit.firmware.kernel.release.trust import Root, Trust
from cma_toolkit.host_tools.errors import CmaError, refused, usage
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Release
from cma_toolkit.host_tools.release.disk import ANYBODY_READS, Disk, replace

FOLDER = "release"
TIMESTAMP = "timestamp.cbor"
_ROOT = re.compile(r"root\.(\d+)\.cbor")


class Repository:
    """The public documents of a fleet."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self._disk = disk or Disk()

    def root_path(self, version: int) -> Path:
        """Return where a root lies."""
        return self.folder / f"root.{version}.cbor"

    def newest_root_path(self) -> Path:
        """Return where the newest root lies.

        Raises: CmaError 2 if there is none.
        """
        versions = self.roots()
        if not versions:
            raise usage(f"There is no {self.root_path(1)}: start with cma release init.")
        return self.root_path(versions[-1])

    def roots(self) -> list[int]:
        """Return the versions of the roots there are."""
        found = (_ROOT.fullmatch(path.name) for path in self._disk.files(self.folder))
        return sorted(int(match[1]) for match in found if match)

    def trust(self) -> Trust:
        """Return what a board without a clock believes that heard each document at once.

        A timestamp that is no longer good is no fault here: the next one takes its place.
        Raises: CmaError 2 if there is no root, 4 if a document is not what it should be.
        """
        versions = self.roots()
        if not versions:
            raise usage(f"There is no {self.root_path(1)}: start with cma release init.")
        missing = [version for version in range(1, versions[-1]) if version not in versions]
        if missing:
            raise refused(
                f"{self.root_path(missing[0])} is missing: put it back, as boards take root after "
                "root."
            )
        stamp = self._disk.read(self.folder / TIMESTAMP)
        try:
            trust = Trust(Envelope(self.read(self.root_path(1))).payload)
        except RefusedError as error:
            raise self._refusal(self.root_path(1), error.reason) from error
        for version in versions:
            reason = trust.on_root(self.read(self.root_path(version))) if version > 1 else 0
            if reason:
                raise self._refusal(self.root_path(version), reason)
            # As early as can be: what a later root ends sooner, boards may have believed before.
            if stamp is not None:
                trust.on_timestamp(stamp)
        return trust

    def newest_root(self) -> Root:
        """Return the newest root, whoever signed it yet.

        Raises: CmaError 2 if there is none, 4 if it is damaged.
        """
        path = self.newest_root_path()
        try:
            return Root(Envelope(self.read(path)).payload)
        except RefusedError as error:
            raise self._refusal(path, error.reason) from error

    def published(self) -> list[Release]:
        """Return the releases in the folder, in the order of their numbers."""
        paths = [path for path in self._disk.files(self.folder) if path.suffix == artefact.SUFFIX]
        releases = [artefact.read(self.read(path), str(path)) for path in paths]
        return sorted(releases, key=lambda release: release.sequence)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes.

        Raises: CmaError 2 if there is none.
        """
        data = self._disk.read(path)
        if data is None:
            raise usage(f"There is no {path}: name a file that is there.")
        return data

    def write(self, path: Path, data: bytes) -> None:
        """Put a file in its place, whole."""
        replace(self._disk, path, data, ANYBODY_READS)

    def publish(self, release: Release, stamp: bytes) -> Path:
        """Write a release, then the timestamp that names it; return the release's path."""
        path = self.folder / f"{release.name}-{release.sequence}{artefact.SUFFIX}"
        self.write(path, release.to_bytes())
        self.write(self.folder / TIMESTAMP, stamp)
        return path

    def _refusal(self, path: Path, reason: int) -> CmaError:
        mend = "put the right one back"
        if reason == REFUSED_UNSIGNED:
            mend = f"sign it where the other keys are, with cma release sign {path}"
        return refused(f"{path} is not to be trusted ({name_of(reason)}): {mend}.")


def name_of(reason: int) -> str:
    """Return a reason of refusal as a person reads it."""
    return REFUSAL_NAMES.split("\n")[reason]
