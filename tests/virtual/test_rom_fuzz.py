"""Whatever arrives on the line or lies in flash, the loader lives and stays small."""

import itertools
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cma_toolkit.sim.virtual_board.boot import sequence as boot
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_bootloader
from cma_toolkit.sim.virtual_board.boot.image import checksum
from cma_toolkit.sim.virtual_board.rom import slip
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ESP32, ESP32S3
from cma_toolkit.sim.virtual_board.rom.commands import Command
from cma_toolkit.sim.virtual_board.rom.nor_flash import NorFlash
from support.rom_port import data_request, enter_stub, frames, make_loader, request

FLASH_BYTES = 1 << 20
WORD = st.integers(0, 0xFFFFFFFF) | st.sampled_from(
    [0, 1, 4, 0x1000, FLASH_BYTES, FLASH_BYTES - 1]
)
WORDS = st.lists(WORD, max_size=6).map(lambda values: struct.pack(f"<{len(values)}I", *values))
COMMAND = st.sampled_from(sorted(Command)) | st.integers(0, 255)
REQUESTS = st.one_of(
    st.builds(request, COMMAND, WORDS, st.integers(0, 255)),
    st.builds(data_request, COMMAND, st.binary(max_size=300)),
    st.builds(slip.encode, st.binary(max_size=40)),
    st.binary(max_size=40),
)
TALK = st.lists(REQUESTS, max_size=25).map(b"".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


BEGIN, END, ASK = Command.FLASH_BEGIN, Command.FLASH_END, request(Command.FLASH_BEGIN)
LEAVES = request(BEGIN, bytes(16)) + request(END, bytes(4)) + ASK  # it is in ROM for the last one


@settings(deadline=None, max_examples=300)
@given(TALK, st.booleans(), st.lists(st.integers(0, 2000), max_size=5))
@example(LEAVES, True, [len(LEAVES) - len(ASK) // 2])
def test_any_talk_gets_well_formed_answers_however_it_is_cut(
    folder: Path, talk: bytes, stub: bool, cuts: list[int]
) -> None:
    answers = []
    for pieces in ([talk], _cut(talk, cuts)):
        (folder / "esp32s3.bin").unlink(missing_ok=True)
        loader = make_loader(ESP32S3, folder, FLASH_BYTES)
        if stub:
            enter_stub(loader)
        answers.append(b"".join(loader.feed(piece) for piece in pieces))
        loader.take_run_request()
        loader.flash.close()
    assert answers[0] == answers[1]
    assert slip.decode(answers[0].replace(slip.END, b"")) is not None
    assert answers[0].count(slip.END) == 2 * len(frames(answers[0]))


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(st.binary(max_size=200))
def test_slip_returns_what_it_was_given(payload: bytes) -> None:
    assert slip.FrameReader().feed(slip.encode(payload)) == ([payload] if payload else [])


@given(st.binary(max_size=300), st.integers(1, 50))
def test_frames_do_not_depend_on_how_the_bytes_arrive(data: bytes, step: int) -> None:
    whole, cut = slip.FrameReader(), slip.FrameReader()
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert whole.feed(data) == [frame for piece in pieces for frame in cut.feed(piece)]
    assert whole.dropped_count == cut.dropped_count


@pytest.mark.parametrize("body", [b"\xdb", b"a\xdbb", b"\xdb\xdb\xdc", b"\xdb\xdd\xdb"])
def test_a_frame_with_a_wrong_escape_is_dropped(body: bytes) -> None:
    reader = slip.FrameReader()
    assert reader.feed(slip.END + body + slip.END + b"next" + slip.END) == [b"next"]
    assert reader.dropped_count == 1


def test_an_endless_frame_is_dropped_and_the_next_one_read() -> None:
    reader = slip.FrameReader()
    tracemalloc.start()
    for _ in range(1000):
        assert reader.feed(b"x" * 10_000) == []
    kept_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept_bytes < 4 * slip.FRAME_BYTES_MAX
    assert reader.feed(slip.END + b"next" + slip.END) == [b"next"]
    assert reader.dropped_count == 1


@given(st.binary(max_size=600), st.integers(0, 255))
def test_the_checksum_is_the_exclusive_or_of_all_bytes(data: bytes, seed: int) -> None:
    expected = seed
    for byte in data:
        expected ^= byte
    assert checksum(data, seed) == expected


SOME = st.tuples(
    st.sampled_from([0, 0x1000, 0x8000, 0x8020, 0x10000, 0xE000, FLASH_BYTES - 0x2000]),
    st.binary(max_size=80)
    | st.builds(lambda tail: b"\xe9" + tail, st.binary(max_size=80))
    | st.builds(
        lambda kind, subtype, at, size: struct.pack(
            "<2sBBII16sI", b"\xaa\x50", kind, subtype, at, size, b"x", 0
        ),
        st.integers(0, 2),
        st.sampled_from([0, 0x10, 0x11]),
        WORD,
        WORD,
    ),
)


@settings(deadline=None)
@given(st.lists(SOME, max_size=6), st.sampled_from(sorted(CHIPS)))
def test_any_flash_boots_or_says_why_not(
    folder: Path, parts: list[tuple[int, bytes]], chip_name: str
) -> None:
    chip = CHIPS[chip_name]
    (folder / "boot.bin").unlink(missing_ok=True)
    flash = NorFlash(folder / "boot.bin", FLASH_BYTES)
    if parts and len(parts[0][1]) % 2:
        flash.program(chip.bootloader_offset, make_bootloader(chip))
    for offset, data in parts:
        flash.program(offset, data)
    found = boot.start(flash, chip)
    if isinstance(found, boot.Bootable):
        assert found.app in found.partitions
    else:
        assert found.text.endswith(b"\r\n")
    flash.close()


def test_a_loader_needs_a_whole_mac(folder: Path) -> None:
    with pytest.raises(ValueError, match="MAC"):
        ESP32.registers(b"short")
