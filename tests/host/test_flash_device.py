"""esptool as a library against a ROM loader in this process; power cut at many places."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash import flash_job, plan
from cma_toolkit.host_tools.flash.agent import make_agent
from cma_toolkit.host_tools.flash.backup_job import (
    BackupRequest,
    RestoreRequest,
    back_up,
    restore,
)
from cma_toolkit.host_tools.flash.contents import build_image, contents_for
from cma_toolkit.host_tools.flash.device import CHUNK_BYTES, Device
from cma_toolkit.host_tools.flash.flash_job import (
    FlashRequest,
    choose_board,
    look,
    regions_for,
    write_regions,
)
from cma_toolkit.host_tools.image import littlefs, partition_table, romfs
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.ports.workers import Reporter
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.rom.chips import ESP32, ChipModel, parse_mac
from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import NorFlash
from support.cut_at import CutAt
from support.loader_port import LoaderPort

MAC = "a4:cf:12:00:00:04"
FLASH_CRYPT_CNT_REGISTER = 0x3FF5A000
FLASH_CRYPT_CNT_ONE = 1 << 20
REQUEST = FlashRequest(url="virtual://loader", romfs={}, images={})
BOARD = load_board("esp32-devkitc")
CONTENTS = contents_for(BOARD, make_micropython("esp32"))
AGENT = make_agent(
    romfs.pack({"l.mpy": b"M" * 500}),
    Image(romfs.pack({"a.mpy": b"M" * 9000}), "", "", "", {}),
    "esp32",
)


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[NorFlash]:
    chip = NorFlash(tmp_path / "flash.bin", 4 << 20)
    yield chip
    chip.close()


def device_on(flash: NorFlash, chip: ChipModel = ESP32) -> Device:
    port = LoaderPort(RomLoader(chip, flash, parse_mac(MAC)))
    return Device("virtual://loader", port, 115_200, lambda text: None)


def test_a_chip_tells_its_name_mac_and_flash(flash: NorFlash) -> None:
    chip = device_on(flash).connect()
    assert (chip.name, chip.mac, chip.flash_size_bytes) == ("esp32", MAC, 4 << 20)


def test_what_is_written_reads_back_and_is_not_written_twice(flash: NorFlash) -> None:
    device = device_on(flash)
    device.connect()
    data = bytes(range(251)) * 1500
    told: list[int] = []
    assert device.write(0x20000, data, told.append) == len(data)
    assert device.read(0x20000, len(data)) == data
    assert device.write(0x20000, data, told.append) == 0
    changed = data[:CHUNK_BYTES] + b"x" + data[CHUNK_BYTES + 1 :]
    assert device.write(0x20000, changed, told.append) == CHUNK_BYTES
    assert sum(told) == 3 * len(data)


def test_cells_that_no_longer_hold_a_bit_are_a_verify_error(flash: NorFlash) -> None:
    device = device_on(flash)
    device.connect()
    erase = flash.erase

    def worn(offset: int, size_bytes: int) -> None:
        erase(offset, size_bytes)
        flash.program(0x20010, b"\xfe")

    flash.erase = worn  # type: ignore[method-assign]
    with pytest.raises(CmaError, match="read back otherwise") as error:
        device.write(0x20000, b"\x55" * 100, lambda count: None)
    assert error.value.code is ExitCode.VERIFY_FAILED


def test_an_encrypted_chip_is_refused_before_its_stub_runs(flash: NorFlash) -> None:
    fuses = {**ESP32.fuses, FLASH_CRYPT_CNT_REGISTER: FLASH_CRYPT_CNT_ONE}
    chip = device_on(flash, replace(ESP32, fuses=fuses)).connect()
    assert chip.locked_by == "flash encryption"
    with pytest.raises(CmaError, match="flash encryption enabled") as error:
        choose_board(REQUEST, chip, silent())
    assert error.value.code is ExitCode.REFUSED


def silent() -> Reporter:
    return Reporter(io.StringIO().write)


def run(flash: NorFlash) -> None:
    """Flash once, as the worker does."""
    device = device_on(flash)
    chip = device.connect()
    found = look(device, REQUEST, chip, BOARD, CONTENTS.table)
    assert not found.at_risk
    regions = regions_for(device, REQUEST, found, CONTENTS, AGENT)
    write_regions(device, regions, silent())


def with_partition(flash: NorFlash, label: str, image: bytes) -> None:
    offset = plan.find_part(BOARD.partitions, label).offset
    size_bytes = -(-len(image) // 4096) * 4096
    flash.erase(offset, size_bytes)
    flash.program(offset, image)


def at_risk_on(flash: NorFlash) -> tuple[str, ...]:
    device = device_on(flash)
    return look(device, REQUEST, device.connect(), BOARD, CONTENTS.table).at_risk


def test_a_large_file_in_the_root_is_at_risk_like_a_small_one(flash: NorFlash) -> None:
    flash.program(0x8000, CONTENTS.table)
    with_partition(flash, "vfs", littlefs.build({"log.txt": b"x" * 40_000}, 0x10000))
    assert at_risk_on(flash) == ("log.txt",)


def test_a_users_files_behind_an_erased_table_are_at_risk(flash: NorFlash) -> None:
    user = plan.find_part(BOARD.partitions, "user")
    with_partition(flash, "user", littlefs.build({"app.py": b"x"}, user.size_bytes))
    assert at_risk_on(flash) == ("app.py",)


def loaded(monkeypatch: pytest.MonkeyPatch, flash: NorFlash) -> None:
    """Let a worker's request reach this flash instead of a port."""
    monkeypatch.setattr(flash_job, "open_device", lambda *words: device_on(flash))


def flash_with(flash: NorFlash, label: str, subtype: int, image: bytes) -> bytes:
    """Give the board a map of its own with one partition of data. Returns its whole flash."""
    part = partition_table.Partition(label, 1, subtype, 0x3F0000, 0x10000)
    flash.program(0x8000, partition_table.to_bytes([part]))
    flash.program(part.offset, image)
    return flash.read(0, flash.size_bytes)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (("data1", 0x83, littlefs.build({"x.py": b"mine"}, 0x10000)), r"1 file of yours \(x.py\)"),
        (("ffat", 0x81, b"\xeb".ljust(510, b"\0") + b"\x55\xaa"), "FAT in partition ffat"),
        (("spiffs", 0x82, b"\x5a" * 9000), "unknown data in partition spiffs"),
    ],
)
def test_a_restore_asks_before_it_costs_any_file_system(
    flash: NorFlash,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    data: tuple[str, int, bytes],
    says: str,
) -> None:
    loaded(monkeypatch, flash)
    same = flash_with(flash, *data)
    backup = tmp_path / "backup.bin"
    backup.write_bytes(b"\xff" * len(same))
    request = RestoreRequest("virtual://loader", str(backup), "esp32", MAC)
    with pytest.raises(CmaError, match=says) as error:
        restore(request, silent())
    assert error.value.code is ExitCode.NEEDS_YES
    assert flash.read(0, flash.size_bytes) == same
    backup.write_bytes(same)
    restore(request, silent())


def test_a_board_stays_in_its_loader_once_it_is_backed_up(
    flash: NorFlash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(monkeypatch, flash)
    resets: list[Device] = []
    monkeypatch.setattr(Device, "leave", resets.append)
    saved = flash_with(flash, "data1", 0x83, littlefs.build({"log": b"1"}, 0x10000))
    facts = back_up(BackupRequest("virtual://loader", str(tmp_path)), silent())
    assert Path(facts["backup"]).read_bytes() == saved
    assert facts["files"] == {"log": 1}
    assert not resets


def test_files_that_changed_after_the_backup_are_not_overwritten(
    flash: NorFlash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(monkeypatch, flash)
    saved = flash_with(flash, "data1", 0x83, littlefs.build({"log": b"1"}, 0x10000))
    files = {"image": make_micropython("esp32"), "romfs": build_image().data, "backup": saved}
    files["loader"] = romfs.pack({})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    flash.erase(0x3F0000, 0x10000)
    flash.program(0x3F0000, littlefs.build({"log": b"12"}, 0x10000))
    before = flash.read(0, flash.size_bytes)
    request = FlashRequest(
        url="virtual://loader",
        romfs={"*": str(tmp_path / "romfs")},
        loader=str(tmp_path / "loader"),
        images={flash_job.ANY_BOARD: str(tmp_path / "image")},
        backup=str(tmp_path / "backup"),
        backup_sha256="00",
    )
    with pytest.raises(CmaError, match="data1 changed after the backup") as error:
        flash_job.flash(request, silent())
    assert error.value.code is ExitCode.REFUSED
    assert flash.read(0, flash.size_bytes) == before


def used_flash(path: Path) -> NorFlash:
    """Make the flash of a board with stock MicroPython, no files, and leftovers everywhere."""
    stock = partition_table.from_bytes(make_micropython("esp32")[0x7000:0x7C00])
    cells = bytearray(b"\x5a" * (4 << 20))
    cells[0x8000:0x9000] = partition_table.to_bytes(stock).ljust(0x1000, b"\xff")
    cells[0x200000:0x202000] = b"\xff" * 0x2000
    path.write_bytes(cells)
    return NorFlash(path, 4 << 20)


@pytest.mark.parametrize("torn_bytes", [0, 100])
def test_power_may_fail_in_many_operations_and_the_next_run_completes_it(
    tmp_path: Path, torn_bytes: int
) -> None:
    path = tmp_path / "flash.bin"
    undisturbed = used_flash(path)
    run(undisturbed)
    image, count = undisturbed.read(0, undisturbed.size_bytes), undisturbed.operation_count
    undisturbed.close()
    assert count > 30
    # The first and last operations decide whose board it is; of those between, one in eight.
    for cut_at in sorted({1, 2, 3, 4, *range(5 + torn_bytes % 7, count, 8), count - 1, count}):
        flash = used_flash(path)
        flash.fault = CutAt(cut_at, torn_bytes)
        with pytest.raises(CmaError, match="goes on where it stopped") as error:
            run(flash)
        assert error.value.code is ExitCode.NO_DEVICE
        flash.fault = None
        run(flash)
        assert flash.read(0, flash.size_bytes) == image, cut_at
        flash.close()
