"""The loader answers each request, right or wrong, with the bytes of the ROM or of the stub."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.sim.virtual_board.rom import slip
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ESP32, ESP32C3, ChipModel
from cma_toolkit.sim.virtual_board.rom.commands import Command
from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import PowerCut
from cma_toolkit.sim.virtual_board.rom.registers import SCRATCH_MAX
from support.cut_at import CutAt
from support.rom_port import (
    FLASH_BYTES,
    ask,
    data_request,
    enter_stub,
    frames,
    make_loader,
    request,
)

OK_ROM = bytes(4)
OK_STUB = bytes(2)
OLD = bytes(range(256)) * 64


@pytest.fixture
def rom(tmp_path: Path) -> RomLoader:
    return make_loader(ESP32, tmp_path)


@pytest.fixture
def stub(tmp_path: Path) -> RomLoader:
    loader = make_loader(ESP32, tmp_path)
    enter_stub(loader)
    return loader


@pytest.fixture(params=["rom", "stub"])
def either(request: pytest.FixtureRequest) -> Iterator[RomLoader]:
    yield request.getfixturevalue(request.param)


def begin(command: int, size_bytes: int, offset: int, block_bytes: int = 0x400) -> bytes:
    blocks = -(-size_bytes // block_bytes)
    return request(command, struct.pack("<IIII", size_bytes, blocks, block_bytes, offset))


def refused(loader: RomLoader, sent: bytes, rom_error: int, stub_error: int) -> None:
    expected = bytes([stub_error, 0]) if loader.in_stub else bytes([1, rom_error, 0, 0])
    assert ask(loader, sent)[1] == expected


def accepted(loader: RomLoader, sent: bytes) -> None:
    assert ask(loader, sent)[1] == (OK_STUB if loader.in_stub else OK_ROM)


def test_sync_is_answered_eight_times(rom: RomLoader) -> None:
    answer = frames(rom.feed(request(Command.SYNC, b"\x07\x07\x12\x20" + 32 * b"\x55")))
    assert answer == [struct.pack("<BBHI", 1, 8, 4, 0x20120707) + OK_ROM] * 8


def test_the_stub_answers_sync_with_zero(stub: RomLoader) -> None:
    answer = frames(stub.feed(request(Command.SYNC)))
    assert answer == [struct.pack("<BBHI", 1, 8, 2, 0) + OK_STUB] * 8


def test_a_stub_starts_only_if_something_was_uploaded(rom: RomLoader) -> None:
    refused(rom, request(Command.MEM_END, struct.pack("<II", 0, 0x40080000)), 0x0F, 0xC3)
    assert not rom.in_stub
    enter_stub(rom)
    assert rom.in_stub
    rom.reset()
    assert not rom.in_stub


def test_an_upload_that_is_not_run_changes_nothing(rom: RomLoader) -> None:
    accepted(rom, data_request(Command.MEM_DATA, b"data"))
    accepted(rom, request(Command.MEM_END, struct.pack("<II", 1, 0)))
    assert not rom.in_stub


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_security_info_names_the_chip_where_the_rom_knows_it(
    tmp_path: Path, chip: ChipModel
) -> None:
    _, data = ask(make_loader(chip, tmp_path), request(Command.GET_SECURITY_INFO))
    if chip is ESP32:
        assert data == b"\x01\x05\0\0"
    else:
        assert struct.unpack("<IB7BII", data[:20])[9] == chip.image_chip_id
        assert data[20:] == OK_ROM


def test_unknown_commands_are_refused(either: RomLoader) -> None:
    refused(either, request(0x77), 0x05, 0xFF)


def test_stub_commands_are_unknown_to_the_rom(rom: RomLoader) -> None:
    for command in (0xD0, 0xD1, 0xD2, 0xD3):
        refused(rom, request(command, bytes(16)), 0x05, 0xFF)
    assert not rom.take_run_request()


def test_the_stub_does_not_read_slowly(stub: RomLoader) -> None:
    refused(stub, request(Command.READ_FLASH_SLOW, struct.pack("<II", 0, 64)), 0, 0xFF)


def test_a_request_shorter_than_it_says_is_refused(either: RomLoader) -> None:
    sent = slip.encode(struct.pack("<BBHI", 0, Command.READ_REG, 8, 0) + bytes(4))
    refused(either, sent, 0x05, 0xC0)
    refused(either, request(Command.READ_REG, b"abc"), 0x05, 0xC0)


def test_a_wrong_checksum_is_refused_and_nothing_written(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_BEGIN, 4, 0))
    sent = bytearray(data_request(Command.FLASH_DATA, b"abcd"))
    sent[5] ^= 1
    refused(either, bytes(sent), 0x07, 0xC1)
    assert either.flash.read(0, 4) == b"\xff" * 4
    accepted(either, data_request(Command.FLASH_DATA, b"abcd"))
    assert either.flash.read(0, 4) == b"abcd"


def test_a_block_of_another_length_than_it_says_is_refused(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_BEGIN, 8, 0))
    sent = request(Command.FLASH_DATA, struct.pack("<IIII", 8, 0, 0, 0) + b"abcd", 0xEF)
    refused(either, sent, 0x05, 0xC0)


def test_a_block_that_nobody_announced_is_refused(either: RomLoader) -> None:
    refused(either, data_request(Command.FLASH_DATA, b"abcd"), 0x06, 0xC6)
    refused(either, data_request(Command.FLASH_DEFL_DATA, b"abcd"), 0x06, 0xC6)


@pytest.mark.parametrize("command", [Command.FLASH_BEGIN, Command.FLASH_DEFL_BEGIN])
@pytest.mark.parametrize(
    ("size_bytes", "offset"), [(1, FLASH_BYTES), (0x2000, FLASH_BYTES - 0x1000), (1, 0xFFFFFFFF)]
)
def test_writing_beyond_the_flash_is_refused(
    either: RomLoader, command: int, size_bytes: int, offset: int
) -> None:
    refused(either, begin(command, size_bytes, offset), 0x06, 0xC4)
    assert either.flash.operation_count == 0


def test_more_blocks_than_announced_are_refused(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_BEGIN, 0x1000, 0))
    for _ in range(4):
        accepted(either, data_request(Command.FLASH_DATA, bytes(0x400)))
    refused(either, data_request(Command.FLASH_DATA, bytes(4)), 0x08, 0xC9)
    assert either.flash.read(0x1000, 1) == b"\xff"


def test_what_is_not_deflated_is_refused(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_DEFL_BEGIN, 0x1000, 0))
    refused(either, data_request(Command.FLASH_DEFL_DATA, b"not zlib"), 0x0B, 0xC7)


def test_a_bomb_ends_at_the_announced_size(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_DEFL_BEGIN, 0x8000, 0))
    bomb = zlib.compress(bytes(1 << 24), 9)[:0x4000]
    refused(either, data_request(Command.FLASH_DEFL_DATA, bomb), 0x08, 0xC9)
    assert either.flash.read(0x8000, 16) == b"\xff" * 16


def test_data_behind_the_end_of_the_stream_is_refused(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_DEFL_BEGIN, 0x1000, 0))
    stream = zlib.compress(bytes(100)) + b"more"
    refused(either, data_request(Command.FLASH_DEFL_DATA, stream), 0x08, 0xC9)


def test_a_deflated_stream_may_be_cut_anywhere(either: RomLoader) -> None:
    accepted(either, begin(Command.FLASH_DEFL_BEGIN, len(OLD), 0x3000))
    stream = zlib.compress(OLD, 9)
    for at in range(0, len(stream), 7):
        accepted(either, data_request(Command.FLASH_DEFL_DATA, stream[at : at + 7]))
    assert either.flash.read(0x3000, len(OLD)) == OLD


def test_the_rom_erases_when_a_write_begins(rom: RomLoader) -> None:
    rom.flash.program(0, OLD)
    accepted(rom, begin(Command.FLASH_BEGIN, 0x2001, 0))
    assert rom.flash.read(0, 0x3001) == b"\xff" * 0x3000 + OLD[:1]


def test_the_stub_erases_each_sector_when_it_gets_there(stub: RomLoader) -> None:
    stub.flash.program(0, OLD)
    accepted(stub, begin(Command.FLASH_BEGIN, 0x3000, 0))
    assert stub.flash.read(0, len(OLD)) == OLD
    accepted(stub, data_request(Command.FLASH_DATA, b"n" * 0x1800))
    assert stub.flash.read(0, len(OLD)) == (b"n" * 0x1800 + b"\xff" * 0x800 + OLD[0x2000:])


def test_a_write_that_begins_inside_a_sector_erases_what_lies_before_it(stub: RomLoader) -> None:
    stub.flash.program(0, OLD)
    accepted(stub, begin(Command.FLASH_BEGIN, 4, 0x1010))
    accepted(stub, data_request(Command.FLASH_DATA, b"abcd"))
    assert stub.flash.read(0xFFF, 0x1001 + 1) == (
        OLD[0xFFF:0x1000] + b"\xff" * 0x10 + b"abcd" + b"\xff" * 0xFEC + OLD[:1]
    )


def test_padding_beyond_the_announced_size_is_dropped_by_the_stub(stub: RomLoader) -> None:
    accepted(stub, begin(Command.FLASH_BEGIN, 4, 0))
    accepted(stub, data_request(Command.FLASH_DATA, b"abcd" + bytes(0x3FC)))
    assert stub.flash.read(0, 6) == b"abcd\xff\xff"


def test_the_end_of_a_write_leaves_the_rom(rom: RomLoader) -> None:
    accepted(rom, begin(Command.FLASH_BEGIN, 0, 0))
    accepted(rom, request(Command.FLASH_END, struct.pack("<I", 0)))
    assert rom.take_run_request()
    assert not rom.take_run_request()


def test_a_loader_that_was_left_is_silent(rom: RomLoader) -> None:
    end = request(Command.FLASH_END, struct.pack("<I", 0))
    assert len(frames(rom.feed(end + request(Command.SYNC)))) == 1
    assert rom.feed(request(Command.SYNC)) == b""


def test_the_stub_stays_until_it_is_told_to_run(stub: RomLoader) -> None:
    accepted(stub, begin(Command.FLASH_BEGIN, 0, 0))
    accepted(stub, request(Command.FLASH_END, struct.pack("<I", 1)))
    assert stub.in_stub
    assert not stub.take_run_request()
    assert stub.feed(request(Command.RUN_USER_CODE)) == b""
    assert stub.take_run_request()


def test_a_software_reset_of_the_stub_returns_to_the_rom(stub: RomLoader) -> None:
    accepted(stub, begin(Command.FLASH_BEGIN, 0, 0))
    assert ask(stub, request(Command.FLASH_END, struct.pack("<I", 0)))[1] == OK_STUB
    assert not stub.in_stub
    assert not stub.take_run_request()


def test_the_stub_says_that_data_is_missing(stub: RomLoader) -> None:
    refused(stub, request(Command.FLASH_END, struct.pack("<I", 1)), 0, 0xC6)
    accepted(stub, begin(Command.FLASH_BEGIN, 4, 0))
    refused(stub, request(Command.FLASH_END, struct.pack("<I", 1)), 0, 0xC8)


def test_regions_are_erased_sector_by_sector(stub: RomLoader) -> None:
    stub.flash.program(0, OLD)
    accepted(stub, request(Command.ERASE_REGION, struct.pack("<II", 0x1000, 0x1000)))
    assert stub.flash.read(0, len(OLD)) == OLD[:0x1000] + b"\xff" * 0x1000 + OLD[0x2000:]
    refused(stub, request(Command.ERASE_REGION, struct.pack("<II", 1, 0x1000)), 0, 0xC2)
    refused(stub, request(Command.ERASE_REGION, struct.pack("<II", FLASH_BYTES, 0x1000)), 0, 0xC4)
    accepted(stub, request(Command.ERASE_FLASH))
    assert stub.flash.read(0, len(OLD)) == b"\xff" * len(OLD)


def test_digests_are_text_from_the_rom_and_bytes_from_the_stub(either: RomLoader) -> None:
    either.flash.program(0x100, OLD)
    _, data = ask(either, request(Command.SPI_FLASH_MD5, struct.pack("<IIII", 0x100, 999, 0, 0)))
    digest = hashlib.md5(OLD[:999])
    expected = digest.digest() if either.in_stub else digest.hexdigest().encode()
    assert data == expected + (OK_STUB if either.in_stub else OK_ROM)


def test_a_digest_beyond_the_flash_is_refused(either: RomLoader) -> None:
    sent = request(Command.SPI_FLASH_MD5, struct.pack("<IIII", 0, FLASH_BYTES + 1, 0, 0))
    refused(either, sent, 0x06, 0xC4)


def test_the_rom_reads_64_bytes_at_a_time(rom: RomLoader) -> None:
    rom.flash.program(0, OLD)
    _, data = ask(rom, request(Command.READ_FLASH_SLOW, struct.pack("<II", 3, 5)))
    assert data == OLD[3:8].ljust(64, b"\0") + OK_ROM
    refused(rom, request(Command.READ_FLASH_SLOW, struct.pack("<II", 0, 65)), 0x0A, 0)
    refused(rom, request(Command.READ_FLASH_SLOW, struct.pack("<II", FLASH_BYTES, 64)), 0x06, 0)


def read_request(size_bytes: int, block_bytes: int, ahead: int, offset: int = 0) -> bytes:
    words = struct.pack("<IIII", offset, size_bytes, block_bytes, ahead)
    return request(Command.READ_FLASH, words)


def test_a_read_waits_for_its_acknowledgements(stub: RomLoader) -> None:
    stub.flash.program(0, OLD)
    reply, *blocks = frames(stub.feed(read_request(10, 4, 2)))
    assert reply == struct.pack("<BBHI", 1, Command.READ_FLASH, 2, 0) + OK_STUB
    assert blocks == [OLD[0:4], OLD[4:8]]
    assert stub.feed(slip.encode(struct.pack("<I", 0))) == b""
    assert frames(stub.feed(slip.encode(struct.pack("<I", 4)))) == [OLD[8:10]]
    assert stub.feed(slip.encode(struct.pack("<I", 8))) == b""
    assert frames(stub.feed(slip.encode(struct.pack("<I", 10)))) == [
        hashlib.md5(OLD[:10]).digest()
    ]
    assert stub.feed(slip.encode(struct.pack("<I", 10))) == b""


def test_what_was_not_sent_cannot_be_acknowledged(stub: RomLoader) -> None:
    stub.feed(read_request(100, 4, 1))
    assert len(frames(stub.feed(slip.encode(struct.pack("<I", 100))))) == 1


def test_a_new_request_ends_a_read(stub: RomLoader) -> None:
    stub.feed(read_request(100, 4, 1))
    accepted(stub, request(Command.SPI_ATTACH, bytes(4)))
    assert stub.feed(slip.encode(struct.pack("<I", 4))) == b""


def test_impossible_reads_are_refused(stub: RomLoader) -> None:
    refused(stub, read_request(4, 4, 1, FLASH_BYTES), 0, 0xC4)
    refused(stub, read_request(4, 0, 1), 0, 0xC2)
    refused(stub, read_request(4, 4, 0), 0, 0xC2)
    refused(stub, read_request(4, 0xFFFFFFFF, 1), 0, 0xC2)


def test_a_flood_of_reads_is_not_answered_without_end(stub: RomLoader) -> None:
    flood = read_request(FLASH_BYTES, 0x4000, 64) * 1000
    assert len(stub.feed(flood)) < 2 << 20
    accepted(stub, request(Command.SPI_ATTACH, bytes(4)))


def test_registers_keep_what_is_written_under_a_mask(rom: RomLoader) -> None:
    ask(rom, request(Command.WRITE_REG, struct.pack("<IIII", 0x60001234, 0xABCD, 0xFF00, 0)))
    value, _ = ask(rom, request(Command.READ_REG, struct.pack("<I", 0x60001234)))
    assert value == 0xAB00


def test_one_request_may_write_several_registers(rom: RomLoader) -> None:
    both = struct.pack("<IIIIIIII", 0x10, 1, 0xFFFFFFFF, 0, 0x14, 2, 0xFFFFFFFF, 0)
    ask(rom, request(Command.WRITE_REG, both))
    values = [ask(rom, request(Command.READ_REG, struct.pack("<I", at)))[0] for at in (0x10, 0x14)]
    assert values == [1, 2]


def test_fuses_cannot_be_written(rom: RomLoader) -> None:
    address = ESP32.mac_registers[0]
    before, _ = ask(rom, request(Command.READ_REG, struct.pack("<I", address)))
    ask(rom, request(Command.WRITE_REG, struct.pack("<IIII", address, 0, 0xFFFFFFFF, 0)))
    assert ask(rom, request(Command.READ_REG, struct.pack("<I", address)))[0] == before != 0


def test_registers_do_not_fill_the_memory(rom: RomLoader) -> None:
    for address in range(0, 4000, 4):
        ask(rom, request(Command.WRITE_REG, struct.pack("<IIII", address, 1, 0xFFFFFFFF, 0)))
    kept = [
        ask(rom, request(Command.READ_REG, struct.pack("<I", address)))[0]
        for address in range(0, 4000, 4)
    ]
    assert sum(kept) == SCRATCH_MAX


def test_noise_between_frames_is_ignored(either: RomLoader) -> None:
    for noise in (
        b"\r\x03\x03",
        b"\xc0\xc0\xc0",
        b"\xc0\xdb\x00\xc0",
        b"\xff" * 100_000,
        b"\xc0\xdb",
    ):
        assert either.feed(noise) == b""
    assert either.feed(b"\xc0") == b""
    accepted(either, request(Command.SPI_ATTACH, bytes(8)))


@pytest.mark.parametrize("operation", [1, 2, 3, 4])
@pytest.mark.parametrize("torn_bytes", [0, 100])
def test_power_goes_in_the_middle_of_a_write_and_the_next_one_heals_it(
    tmp_path: Path, operation: int, torn_bytes: int
) -> None:
    loader = make_loader(ESP32C3, tmp_path)
    flash = loader.flash
    flash.program(0, OLD)
    enter_stub(loader)
    new = b"n" * 0x2000
    flash.fault = CutAt(operation, torn_bytes)
    with pytest.raises(PowerCut):
        loader.feed(begin(Command.FLASH_BEGIN, len(new), 0) + data_request(0x03, new))
    done = 0x1000 if operation > 2 else 0
    assert flash.read(0, done) == new[:done]
    assert flash.read(0x2000, 0x2000) == OLD[0x2000:]
    assert flash.read(0, len(new)) != new
    flash.fault = None
    loader.reset()
    enter_stub(loader)
    accepted(loader, begin(Command.FLASH_BEGIN, len(new), 0))
    accepted(loader, data_request(Command.FLASH_DATA, new))
    assert flash.read(0, len(new)) == new
