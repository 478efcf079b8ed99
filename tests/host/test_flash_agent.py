"""What goes into the partition `romfs`: loader, image, papers; and what a cable takes back."""

from hashlib import md5

import pytest

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.index import is_signed
from cma_toolkit.firmware.kernel.release.installation import RECOVERY
from cma_toolkit.firmware.kernel.release.manifest import from_bytes
from cma_toolkit.firmware.kernel.release.papers import read
from cma_toolkit.firmware.kernel.release.slots import CONFIRMED, COST_POWER
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash.agent import (
    Agent,
    check_fits,
    is_there,
    make_agent,
    regions,
)
from cma_toolkit.host_tools.image import romfs
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.sim.rollout.partition import RomfsFlash, open_installation
from support.release_board import FIRST
from support.updating import image, part_of

BOARD = load_board("esp32-devkitc")
PLACE = BOARD.partition("romfs")
SECTORS = PLACE.size_bytes // layout.SECTOR_BYTES
LOADER = romfs.pack({"loader/start.mpy": b"M" * 500})
IMAGE = Image(romfs.pack({"a.mpy": b"M" * 9000}), "garden", "", "", {})


class Flash:
    """The partition's cells, as a loader of ROM and as the kernel see them."""

    sector_bytes, sector_count = layout.SECTOR_BYTES, SECTORS

    def __init__(self) -> None:
        self.cells = bytearray(b"\0" * PLACE.size_bytes)

    def write(self, agent: Agent, *, keep: bool) -> None:
        for region in regions(agent, BOARD.partitions, keep=keep):
            at = region.offset - PLACE.offset
            self.cells[at : at + len(region.data)] = region.data

    def md5(self, offset: int, size_bytes: int) -> str:
        at = offset - PLACE.offset
        return md5(self.cells[at : at + size_bytes]).hexdigest()

    def read(self, address: int, buffer: bytearray) -> None:
        buffer[:] = self.cells[address : address + len(buffer)]


def test_the_papers_name_the_image_and_nobody_signed_them() -> None:
    flash, agent = Flash(), make_agent(LOADER, IMAGE, "esp32")
    flash.write(agent, keep=True)
    held = read(flash, layout.trailer_at(0, SECTORS))  # type: ignore[arg-type]
    assert held and Envelope(held.envelope).is_by_hand()
    manifest = from_bytes(Envelope(held.envelope).payload)
    assert manifest.sequence == 0 and manifest.size_bytes == len(IMAGE.data)
    assert is_signed(held.index, manifest.digest, len(IMAGE.data))


def test_a_signed_release_that_came_by_cable_is_the_one_that_the_board_runs() -> None:
    part = part_of(image(1), 7, security_counter=2)
    built = Image(part.image, "garden", "", "", {})
    root = FIRST.to_bytes()
    agent = make_agent(LOADER, built, "esp32", root, part.envelope)
    assert agent.called == "garden 7" and make_agent(LOADER, IMAGE, "esp32").called == "garden"
    for believed, is_taken in ((root, True), (other_root(), False)):
        flash = RomfsFlash()
        for region in regions(agent, BOARD.partitions, keep=True):
            data = region.data + b"\xff" * (-len(region.data) % 32)
            flash.program(region.offset - PLACE.offset, data)
        board = open_installation(flash, believed)
        assert board.boot(COST_POWER) == (0 if is_taken else RECOVERY)
        if is_taken:
            slot = board.slots[0]
            assert (slot.state, slot.sequence) == (CONFIRMED, 7)
            assert board.trust is not None and board.record.counter == 2


def other_root() -> bytes:
    """Return a root of somebody else: none of its keys signed the release."""
    ours = FIRST.to_bytes()
    key = FIRST.roles["release"].keys[0]
    assert ours.count(key) == 1
    return ours.replace(key, key[:-1] + bytes([key[-1] ^ 1]))


def test_the_loader_has_the_root_and_the_classes_that_the_board_believes() -> None:
    files = romfs.read(make_agent(LOADER, IMAGE, "esp32c3", b"root").loader)
    assert files["root.cbor"] == b"root"
    assert "root.cbor" not in romfs.read(make_agent(LOADER, IMAGE, "esp32c3").loader)
    others = {romfs.read(make_agent(LOADER, IMAGE, chip).loader)["board.json"] for chip in
              ("esp32", "esp32s3", "esp32c3")}  # fmt: skip
    assert len(others) == 2, "a class for each family of chips"


def test_what_a_board_remembers_of_releases_is_kept_only_with_the_same_image_alone() -> None:
    flash, agent = Flash(), make_agent(LOADER, IMAGE, "esp32")
    assert not is_there(flash, agent, BOARD.partitions)
    flash.write(agent, keep=False)
    assert is_there(flash, agent, BOARD.partitions)
    journal = layout.journal_at(SECTORS) * layout.SECTOR_BYTES
    assert not flash.cells[journal:].strip(b"\xff")
    flash.cells[journal] = 0
    assert is_there(flash, agent, BOARD.partitions), "it remembers, and may go on"
    for sector in (layout.slot_at(0, SECTORS), *(layout.trailer_at(at, SECTORS) for at in (0, 1))):
        flash.write(agent, keep=False)
        flash.cells[sector * layout.SECTOR_BYTES + 5] ^= 1
        assert not is_there(flash, agent, BOARD.partitions)


def test_a_cut_leaves_either_release_with_its_papers_or_none() -> None:
    labels = [
        one.label
        for one in regions(make_agent(LOADER, IMAGE, "esp32"), BOARD.partitions, keep=False)
    ]
    assert labels == ["blank releases", "loader", "image", "papers", "blank slot B"]


@pytest.mark.parametrize("field", ["loader", "image"])
def test_what_is_larger_than_its_place_is_refused(field: str) -> None:
    room = layout.LOADER_BYTES if field == "loader" else layout.image_bytes(SECTORS)
    parts = {"loader": b"", "image": b"", "papers": b""}
    check_fits(Agent(**{**parts, field: bytes(room)}), BOARD.partitions)
    with pytest.raises(CmaError) as error:
        check_fits(Agent(**{**parts, field: bytes(room + 1)}), BOARD.partitions)
    assert error.value.code is ExitCode.REFUSED


def test_a_map_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(CmaError, match="no partition romfs"):
        regions(Agent(b"", b"", b""), [Partition("nvs", 1, 2, 0x9000, 0x6000)], keep=True)
