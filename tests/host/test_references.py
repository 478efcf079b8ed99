"""What a fleet knows of what may run on its boards, read from its folder and the store."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from cma_toolkit.boards.load import Board, load_board
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash.contents import identify
from cma_toolkit.host_tools.flash.store import Store
from cma_toolkit.host_tools.image import micropython
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Numbers
from cma_toolkit.host_tools.secure.attestation import Reference, References
from cma_toolkit.host_tools.secure.references import Registry, Sought
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from support.attested import BOARD, NAME, NEWEST, OLDER, Fleet, Made, image_of
from support.release_board import FIRST, ROOT, ROOT_2, TIMESTAMP
from support.release_signers import signed

MADE_NOW = replace(image_of(NEWEST), data=image_of(NEWEST).data + b"\0", sources="now")
LARGE = load_board("esp32-s3-devkitc-1")  # has two places for MicroPython
FILE = "ESP32_GENERIC-20260101-v1.29.0.bin"


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


class Asking:
    """Asks a registry over a project of one line, and counts what it has made."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(folder, None, {"box": Made()})
        self.store = Store(folder / "store", {}, identify)
        self.built = 0

    def known(self, image: bytes = b"", least: int = 0, board: Board = BOARD) -> References:
        project = self.fleet.project
        registry = Registry(project, self.store, self._build, self._stand_ins, least)
        row = project.row("box")
        assert row
        return registry.for_board(Sought(board, row, False, digest(image)))

    def _build(self, chip: str, virtual: bool) -> Image:
        self.built += 1
        return MADE_NOW

    def _stand_ins(self, board: Board) -> Mapping[str, bytes]:
        return {"a stand-in": make_micropython(board.chip, "1.28.0")}


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


def test_releases_are_known_by_number_and_nothing_is_built_for_a_board_that_runs_one(
    asking: Asking,
) -> None:
    image = image_of(OLDER).data
    known = asking.known(image)
    assert known.images == {
        digest(image): Reference("release 6", 6),
        digest(image_of(NEWEST).data): Reference("release 7, the newest", 7),
    }
    assert known.sources[image_of(NEWEST).sources] == "release 7, the newest"
    assert (known.least, asking.built) == (NEWEST, 0)


def test_what_is_built_here_is_known_unless_only_releases_count(asking: Asking) -> None:
    (asking.fleet.folder / "build").mkdir()
    file = asking.fleet.folder / "build" / "mine.romfs"
    file.write_bytes(image_of(NEWEST).data + b"\xff")
    known = asking.known(b"nobody's")
    assert known.images[digest(file.read_bytes())] == Reference("build/mine.romfs")
    assert known.images[digest(MADE_NOW.data)] == Reference("this project as it is now")
    assert known.sources["now"] == "this project as it is now"
    assert asking.built == 1
    only = asking.known(b"nobody's", least=OLDER)
    assert (len(only.images), only.least, asking.built) == (2, OLDER, 1)
    file.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"build/mine\.romfs is no image"):
        asking.known()


def test_a_release_that_is_not_there_cannot_be_the_least(asking: Asking) -> None:
    with pytest.raises(CmaError, match="Release 8 is not published, the newest is 7") as refused:
        asking.known(least=8)
    assert refused.value.code is ExitCode.USAGE


def test_a_release_that_another_key_signed_is_refused(asking: Asking) -> None:
    forged = artefact.make(NAME, [image_of(NEWEST)], "6.3", Numbers(9))
    asking.fleet.publish(forged, TIMESTAMP)
    with pytest.raises(CmaError, match="is not signed by this fleet's keys"):
        asking.known()


def test_a_release_of_keys_that_were_rotated_stays_known(asking: Asking) -> None:
    roles = {**FIRST.roles, "release": FIRST.roles["timestamp"]}
    root = replace(FIRST, version=2, roles=roles)
    path = asking.fleet.folder / "release" / "root.2.cbor"
    path.write_bytes(signed(root.to_bytes(), [ROOT, ROOT_2]))
    known = asking.known(image_of(OLDER).data)
    assert len(known.images) == 2
    told = {reference.text.partition(", ")[2] for reference in known.loaders.values()}
    assert told == {"believes no release", "believes root 1", "believes root 2"}


def test_micropythons_are_those_of_the_boards_own_build(asking: Asking) -> None:
    image, other = make_micropython(BOARD.chip), make_micropython("esp32c3")
    asking.store.add(image, FILE, "here")
    asking.store.add(other, FILE.replace("GENERIC", "GENERIC_C3"), "here")
    parts = micropython.split(image, BOARD.chip)
    known = asking.known(image_of(NEWEST).data)
    assert known.micropythons[digest(parts.app)].text == "MicroPython 1.29.0, ESP32_GENERIC"
    assert digest(parts.bootloader) in known.bootloaders
    assert sorted(one.text for one in known.micropythons.values()) == [
        "MicroPython 1.29.0, ESP32_GENERIC",
        "a stand-in, ESP32_GENERIC",
    ]


def test_micropythons_of_releases_are_known_where_boards_take_them(asking: Asking) -> None:
    build = LARGE.micropython.image_name()
    app = micropython.split(make_micropython(LARGE.chip), LARGE.chip).app
    part = artefact.make_runtime(build, app, "6.3", Numbers(8))
    asking.fleet.publish(
        artefact.make(NAME, [image_of(NEWEST)], "6.3", Numbers(8), runtimes=(part,))
    )
    known = asking.known(image_of(NEWEST).data, board=LARGE)
    assert known.micropythons[digest(app)].text == f"MicroPython of release 8, {build}"
    assert digest(app) not in asking.known(image_of(NEWEST).data).micropythons


def test_settings_are_those_of_the_line_and_no_password(asking: Asking) -> None:
    known = asking.known(image_of(NEWEST).data)
    assert known.settings["name"] == b"box" and "wifi_password" not in known.settings
    assert set(known.files) == {"/boot.py", "/main.py", "/.cma.json"}
