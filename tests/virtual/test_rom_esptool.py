"""esptool as a library, with the loader for a port: every way to read and write, on each chip."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import esptool
import pytest
from esptool import cmds

from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ChipModel
from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from support.rom_port import FLASH_BYTES, MAC, RomPort, make_loader

MODES = list(itertools.product(CHIPS.values(), [True, False]))
DATA = random.Random(2).randbytes(0x1003) + bytes(0x2FF1)


class Session:
    """One chip, and esptool connected to it."""

    def __init__(self, chip: ChipModel, stub: bool, folder: Path) -> None:
        self.chip = chip
        self.stub = stub
        self.loader: RomLoader = make_loader(chip, folder)
        self.flash = self.loader.flash
        esp = esptool.detect_chip(RomPort(self.loader), connect_mode="no-reset")
        self.esp: Any = esp.run_stub() if stub else esp
        cmds.attach_flash(self.esp)

    def write(self, offset: int, data: bytes, **options: object) -> None:
        cmds.write_flash(self.esp, [(offset, data)], **options)


@pytest.fixture(
    params=MODES, ids=[f"{chip.name}-{'stub' if stub else 'rom'}" for chip, stub in MODES]
)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    chip, stub = request.param
    session = Session(chip, stub, tmp_path)
    yield session
    session.flash.close()


def test_the_chip_is_recognised(session: Session) -> None:
    assert session.chip.title == session.esp.CHIP_NAME
    assert session.stub == session.esp.IS_STUB
    assert bytes(session.esp.read_mac()) == MAC
    assert session.esp.get_crystal_freq() == 40
    assert "Unknown ESP" not in session.esp.get_chip_description()
    assert cmds.detect_flash_size(session.esp) == "4MB"
    assert not session.esp.get_secure_boot_enabled()
    assert not session.esp.get_flash_encryption_enabled()


def test_a_second_session_finds_the_stub_still_running(session: Session) -> None:
    again = esptool.detect_chip(RomPort(session.loader), connect_mode="no-reset")
    assert session.chip.title == again.CHIP_NAME
    assert again.sync_stub_detected == session.stub


@pytest.mark.parametrize("compress", [True, False])
def test_data_is_written_verified_and_read_back(session: Session, compress: bool) -> None:
    session.flash.program(0x20000, b"\0" * 0x10000)
    session.write(0x21000, DATA, compress=compress, no_compress=not compress)
    cmds.verify_flash(session.esp, [(0x21000, DATA)])
    assert session.flash.read(0x21000, len(DATA)) == DATA
    assert session.flash.read(0x20000, 0x1000) == bytes(0x1000)
    assert cmds.read_flash(session.esp, 0x22FFF, 0x103) == session.flash.read(0x22FFF, 0x103)


def test_a_merged_image_goes_to_its_offset(session: Session) -> None:
    image = make_micropython(session.chip)
    session.write(session.chip.bootloader_offset, image, flash_size="detect")
    cmds.verify_flash(session.esp, [(session.chip.bootloader_offset + 0x7000, image[0x7000:])])


def test_a_difference_is_noticed(session: Session) -> None:
    session.write(0x30000, DATA)
    session.flash.program(0x30000, bytes(4))
    with pytest.raises(esptool.FatalError, match="Verification failed"):
        cmds.verify_flash(session.esp, [(0x30000, DATA)])


def test_what_is_there_already_is_skipped(session: Session) -> None:
    session.write(0x30000, DATA)
    before = session.flash.operation_count
    session.write(0x30000, DATA, skip_flashed=True)
    assert session.flash.operation_count == before


def test_only_changed_sectors_are_written(session: Session) -> None:
    session.write(0x30000, DATA)
    before = session.flash.erased_sector_count
    changed = DATA[:0x2000] + b"new" + DATA[0x2003:]
    session.write(0x30000, changed, diff_with=[DATA])
    assert session.flash.erased_sector_count == before + 1
    cmds.verify_flash(session.esp, [(0x30000, changed)])


def test_data_beyond_the_flash_is_refused(session: Session) -> None:
    with pytest.raises(esptool.FatalError, match="will not fit"):
        session.write(FLASH_BYTES - 0x1000, DATA)
    with pytest.raises(esptool.FatalError, match=r"0106|C400"):
        session.esp.flash_begin(0x2000, FLASH_BYTES - 0x1000)
    assert session.flash.operation_count == 0


def test_status_registers_keep_what_is_written(session: Session) -> None:
    assert session.esp.read_status(3) == 0
    session.esp.write_status(0x0200, 2)
    assert session.esp.read_status(2) == 0x0200


def test_the_flash_describes_itself(session: Session) -> None:
    assert session.esp.read_spiflash_sfdp(0, 32) == int.from_bytes(b"SFDP", "little")
    assert session.esp.read_spiflash_sfdp(0x10, 8) & 0xFF == session.esp.flash_id() & 0xFF


def test_baud_rates_change_nothing(session: Session) -> None:
    session.esp.change_baud(921_600)
    assert bytes(session.esp.read_mac()) == MAC


def test_security_info_is_there_where_the_chip_has_it(session: Session) -> None:
    if session.chip.answers_security_info:
        assert session.esp.get_security_info()["chip_id"] == session.chip.image_chip_id
    else:
        with pytest.raises(esptool.FatalError, match=r"0105|FF00"):
            session.esp.get_security_info()


def test_erasing_is_for_the_stub(session: Session) -> None:
    session.flash.program(0, bytes(FLASH_BYTES))
    if not session.stub:
        with pytest.raises(esptool.FatalError, match="ROM does not support"):
            cmds.erase_flash(session.esp)
        return
    cmds.erase_region(session.esp, 0x1000, 0x2000)
    assert session.flash.read(0xFFF, 0x2002) == b"\0" + b"\xff" * 0x2000 + b"\0"
    cmds.erase_flash(session.esp)
    assert session.flash.read(0, FLASH_BYTES) == b"\xff" * FLASH_BYTES


def test_leaving_the_rom_asks_to_run_the_flash(session: Session) -> None:
    session.esp.run()
    assert session.loader.take_run_request() != session.stub
