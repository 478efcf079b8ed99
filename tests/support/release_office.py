"""Offices for tests: where a fleet's keys and documents are, and a board that reads them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.trust import Trust
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.image.build import SLOT_BYTES, Image
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Numbers, Release
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.lms_key import ParameterSet
from cma_toolkit.host_tools.release.procedures import Office
from cma_toolkit.host_tools.release.repository import Repository
from support.release_signers import MPY, NOW_S, SMALL

# Signatures of the size that boards get, but for the 120 bytes of a higher tree.
AS_SHIPPED = ParameterSet(10, 7)
ONE_EACH = {"root": (1, 1), "release": (1, 1), "timestamp": (1, 1)}


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)

    def __call__(self) -> float:
        return self.now_s


def office_in(
    folder: Path, clock: Clock, computer: str = "here", parameters: ParameterSet = SMALL
) -> Office:
    keys = KeyFolder(folder / computer / "keys", folder / computer / "marks")
    return Office(keys, Repository(folder / "release"), clock, parameters)


def begun_in(folder: Path, clock: Clock) -> Office:
    """Return an office with one key a role, and its first root."""
    made = office_in(folder, clock)
    made.begin(ONE_EACH)
    return made


def image(text: str = "image", architecture: str = "") -> Image:
    return Image(text.encode() * 100, "greenhouse", "5ca1ab1e", architecture, {})


def make(sequence: int, **others: int) -> Release:
    return artefact.make("greenhouse", [image()], "6.3", Numbers(sequence, **others))


def published(office: Office, sequence: int, **others: int) -> Release:
    release, _ = office.sign_release(make(sequence, **others))
    office.publish(release)
    return release


def refusal(code: ExitCode, call: Callable[[], object]) -> str:
    with pytest.raises(CmaError) as raised:
        call()
    assert raised.value.code == code
    return raised.value.message


class Fleet:
    """A board that reads what is published, from one root on."""

    def __init__(self, office: Office, version: int = 1) -> None:
        """Hand it the root of a version, as flashing does."""
        self._repository = office.repository
        first = self._repository.read(self._repository.root_path(version))
        self.trust = Trust(Envelope(first).payload)

    def read(self, release: Release, now_s: int = NOW_S, architecture: str = "") -> list[int]:
        """Return what the board answers to each part."""
        for version in self._repository.roots():
            if version > self.trust.root.version:
                path = self._repository.root_path(version)
                assert self.trust.on_root(self._repository.read(path)) == 0
        stamp = self._repository.read(self._repository.folder / "timestamp.cbor")
        assert self.trust.on_timestamp(stamp, now_s) == 0
        kind = artefact.class_id("greenhouse", architecture)
        board = Board((kind,), SLOT_BYTES, MPY)
        answers = []
        for part in release.parts:
            answers.append(self.trust.on_release(part.envelope, board, now_s))
            if not answers[-1] and self.trust.manifest:
                self.trust.on_confirmed(self.trust.manifest)
        return answers
