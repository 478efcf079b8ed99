"""A fleet whose boards were flashed, provisioned and enrolled, made without a cable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.host_tools.flash.agent import make_agent
from cma_toolkit.host_tools.flash.agent import regions as agent_regions
from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image, build_user, contents_for
from cma_toolkit.host_tools.flash.table_state import finished_sector
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import Enrolment, Enrolments
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.image import romfs
from cma_toolkit.host_tools.image.build import ABOUT, Image, open_image
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.image.loader import build_loader
from cma_toolkit.host_tools.project.new import create_project
from cma_toolkit.host_tools.provision.desired import keys_of
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Numbers, Release
from cma_toolkit.host_tools.release.repository import FOLDER
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from support import nvs_build
from support.release_board import FIRST, RELEASE, ROOT, ROOT_2
from support.release_signers import Signer, signed
from support.virtual import VirtualBoards

KIND = "esp32-devkitc"
BOARD = load_board(KIND)
NAME = "greenhouse"
OLDER, NEWEST = 6, 7
SLOT_A = BOARD.partition("romfs").offset + layout.LOADER_BYTES
PORT = PycaCrypto()


@dataclass
class Made:
    """What is otherwise with one board than with one that is right.

    Shape: `keys` are numbers of private keys, what the board keeps and what it was enrolled with,
    0 for none; `change` is made to its flash.
    """

    sequence: int = NEWEST
    keys: tuple[int, int] = (1, 1)
    micropython: str = "1.29.0"
    files: Mapping[str, bytes] = field(default_factory=dict)
    settings: Mapping[str, bytes] = field(default_factory=dict)
    change: Callable[[bytearray], None] = lambda flash: None


@cache
def image_of(sequence: int) -> Image:
    """Return the image of a release; the older one differs in what it says of itself alone."""
    if sequence == NEWEST:
        return build_image({"app.py": b"def setup(agent):\n    pass\n"}, NAME)
    files = romfs.read(image_of(NEWEST).data)
    files[ABOUT] = files[ABOUT].replace(image_of(NEWEST).sources.encode(), b"0" * 16)
    return open_image(romfs.pack(files), NAME)


class Fleet:
    """A project, and virtual boards for its lines."""

    def __init__(
        self, folder: Path, boards: VirtualBoards | None, made: Mapping[str, Made]
    ) -> None:
        """Make it; without `boards` nothing is plugged in."""
        self.folder = folder / NAME
        create_project(self.folder)
        macs = {name: f"02:00:00:00:00:{number:02x}" for number, name in enumerate(made, 1)}
        lines = [f"{name},{KIND},{mac}\n" for name, mac in macs.items()]
        (self.folder / "inventory.csv").write_text("name,board,mac\n" + "".join(lines))
        self._publish()
        self.project = load_project(self.folder)
        with Database(self.project.database) as database:
            for name, mac in macs.items():
                self._note(database, name, mac, made[name])
        for name, mac in macs.items() if boards else ():
            self._plug_in(boards, name, mac, made[name])

    def _publish(self) -> None:
        folder = self.folder / FOLDER
        folder.mkdir()
        root = signed(FIRST.to_bytes(), [ROOT, ROOT_2])
        (folder / "root.1.cbor").write_bytes(root)
        for sequence in (OLDER, NEWEST):
            self.publish(artefact.make(NAME, [image_of(sequence)], "6.3", Numbers(sequence)))

    def publish(self, release: Release, signer: Signer = RELEASE) -> Path:
        """Put a release into the project's folder, signed."""
        payloads = [bytes(Envelope(part.envelope).payload) for part in release.all_parts]
        release = release.with_envelopes([signed(payload, [signer]) for payload in payloads])
        path = self.folder / FOLDER / f"{NAME}-{release.sequence}{artefact.SUFFIX}"
        path.write_bytes(release.to_bytes())
        return path

    def _note(self, database: Database, name: str, mac: str, made: Made) -> None:
        database.saw(mac, port=f"virtual://{name}", chip=BOARD.chip)
        database.claim(mac, name)
        database.finish(mac, board=KIND, cluster=NAME, labels=(), revision=1)
        if made.keys[1]:
            public, signer = halves(made.keys[1])
            number = int(mac[-2:], 16)
            one = Enrolment(mac, number, 1, 0, 0, 1 << 31, public, signer, b"certificate")
            Enrolments(database).start(one)
            Enrolments(database).finish(mac)

    def _plug_in(self, boards: VirtualBoards, name: str, mac: str, made: Made) -> None:
        info = boards.client.create(name, KIND, mac=mac, start=False)
        flash = bytearray(b"\xff" * BOARD.flash_size_bytes)
        for offset, data in self._regions(name, made):
            flash[offset : offset + len(data)] = data
        made.change(flash)
        Path(info.image).write_bytes(flash)
        boards.client.start(name)

    def _regions(self, name: str, made: Made) -> list[tuple[int, bytes]]:
        contents = contents_for(BOARD, make_micropython(BOARD.chip, made.micropython))
        image = image_of(made.sequence)
        agent = make_agent(build_loader(FIRMWARE), image, BOARD.chip, FIRST.to_bytes())
        user = BOARD.partition("user")
        return [
            (BOOTLOADER_OFFSETS[BOARD.chip], contents.bootloader),
            (TABLE_OFFSET, finished_sector(contents.table)),
            (BOARD.partition("factory").offset, contents.app),
            *((one.offset, one.data) for one in agent_regions(agent, BOARD.partitions, keep=True)),
            (BOARD.partition("vfs").offset, contents.vfs),
            (user.offset, build_user(dict(made.files), user.size_bytes)),
            (BOARD.partition("nvs").offset, self._nvs(name, made)),
        ]

    def _nvs(self, name: str, made: Made) -> bytes:
        project = self.project
        row = project.row(name)
        assert row
        keys = {**keys_of(row, project.fleet, BOARD, project.secrets), **made.settings}
        entries = [
            nvs_build.blob("cma", key, value)
            for key, value in keys.items()
            if not isinstance(value, Secret)
        ]
        if made.keys[0]:
            public, signer = halves(made.keys[0])
            record = b"\x01" + private(made.keys[0]) * 2 + public + signer
            entries.append(nvs_build.blob("cma_id", "identity", record))
        return nvs_build.build(entries, BOARD.partition("nvs").size_bytes)


def private(number: int) -> bytes:
    """Return one of many private keys."""
    return bytes((number,)) * 32


def halves(number: int) -> tuple[bytes, bytes]:
    """Return the public keys of a private one, to agree with and to verify with."""
    return PORT.public_of(private(number)), PORT.signer_of(private(number))
