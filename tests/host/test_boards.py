"""The six boards: their files load, agree with the architecture, and are refused when wrong."""

import json
import re
from pathlib import Path

import cbor2
import pytest

from cma_toolkit.boards import schema
from cma_toolkit.boards.errors import BoardFileError, FlashMapError
from cma_toolkit.boards.flash_map import find
from cma_toolkit.boards.load import (
    DEFAULT_BOARD_IDS,
    OUR_FOLDER,
    Board,
    board_from_text,
    default_board_id,
    list_boards,
    load_board,
)
from cma_toolkit.boards.render import render_currents, render_pins
from cma_toolkit.firmware.kernel.config import STATE_NAMES, Config

BOARDS = list_boards()
IDS = [board.id for board in BOARDS]
STATES = {"active", "wifi_rx", "wifi_tx", "modem_sleep", "light_sleep", "deep_sleep"}
GOOD = (OUR_FOLDER / "esp32-c3-devkitm-1.toml").read_text()
each_board = pytest.mark.parametrize("board", BOARDS, ids=IDS)


def read(text: str) -> Board:
    return board_from_text(text, Path("mine.toml"))


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_six_boards_of_the_toolkit_are_there() -> None:
    assert IDS == [
        "esp32-c3-devkitm-1",
        "esp32-c6-devkitc-1",
        "esp32-devkitc",
        "esp32-s3-devkitc-1",
        "m5stack-atoms3",
        "xiao-esp32c3",
    ]


def test_each_chip_has_a_board_to_take_when_none_is_named() -> None:
    for chip, board_id in DEFAULT_BOARD_IDS.items():
        assert load_board(default_board_id(chip)).chip == chip
        assert load_board(board_id).micropython.board_id.startswith("ESP32_GENERIC")
    with pytest.raises(BoardFileError, match=r'chip "esp8266": give one with --board\.$'):
        default_board_id("esp8266")


@each_board
def test_a_board_has_the_partitions_of_the_architecture(board: Board) -> None:
    sizes = {part.label: part.size_bytes for part in board.partitions}
    assert sizes["nvs"] == 24 << 10
    assert sizes["phy_init"] == 4 << 10
    assert sizes["factory"] == (0x1E0000 if board.flash_size_bytes == 4 << 20 else 0x200000)
    assert sizes["romfs"] == 512 << 10
    assert sizes["state"] == 128 << 10
    assert sizes["vfs"] == 64 << 10
    assert max(part.end for part in board.partitions) == board.flash_size_bytes
    assert board.partitions[-1].label == "user"
    large = board.flash_size_bytes >= 8 << 20
    assert {"ota_0", "ota_1", "otadata"} <= set(sizes) if large else "ota_0" not in sizes


@each_board
def test_partitions_leave_no_hole(board: Board) -> None:
    ends = [0x9000, *(part.end for part in board.partitions)]
    assert [part.offset for part in board.partitions] == ends[:-1]


@each_board
def test_every_slot_holds_the_same_micropython(board: Board) -> None:
    assert len({part.size_bytes for part in board.partitions if part.is_app}) == 1


@each_board
def test_a_board_states_every_current_with_its_source(board: Board) -> None:
    assert set(board.currents) == STATES
    ua = board.current_ua
    assert ua["wifi_tx"] > ua["wifi_rx"] > ua["modem_sleep"] > ua["light_sleep"] > ua["deep_sleep"]
    for current in board.currents.values():
        assert re.search(r"Table|section|Seeed", current.source)


@each_board
def test_a_release_is_a_file_of_that_build_with_its_hash(board: Board) -> None:
    assert board.micropython.releases
    for version, release in board.micropython.releases.items():
        build = re.escape(board.micropython.image_name())
        assert re.fullmatch(rf"{build}-\d{{8}}-v{re.escape(version)}\.bin", release.file)
        assert release.sha256


@each_board
def test_micropython_1_29_fits_every_slot(board: Board) -> None:
    # Sizes of the official applications, as their files and a running C6 show them.
    app_bytes = {
        "ESP32_GENERIC": 1_790_544 - 0xF000,
        "ESP32_GENERIC_S3": 1_783_296 - 0x10000,
        "ESP32_GENERIC_S3-SPIRAM_OCT": 1_786_704 - 0x10000,
        "ESP32_GENERIC_C3": 1_754_736 - 0x10000,
        "ESP32_GENERIC_C6": 1_967_664,
    }[board.micropython.image_name()]
    assert all(part.size_bytes >= app_bytes for part in board.partitions if part.is_app)


def test_boards_of_one_build_agree_on_its_hash() -> None:
    seen: dict[str, str | None] = {}
    for board in BOARDS:
        for release in board.micropython.releases.values():
            assert seen.setdefault(release.file, release.sha256) == release.sha256
    assert len(set(seen.values())) == len(seen) == 9


@each_board
def test_the_bootloader_lies_where_the_chip_looks_for_it(board: Board) -> None:
    assert board.micropython.image_offset == (0x1000 if board.chip == "esp32" else 0)


@each_board
def test_the_kernel_reads_every_current_by_its_name(board: Board) -> None:
    currents = cbor2.loads(cbor2.dumps(render_currents(board)))
    config = Config()
    config.take_currents(currents)
    assert config.currents_ua == tuple(board.currents[name].current_ua for name in STATE_NAMES)
    assert set(STATE_NAMES) == STATES


@each_board
def test_pins_travel_as_cbor_and_name_only_what_is_there(board: Board) -> None:
    pins = render_pins(board)
    assert cbor2.loads(cbor2.dumps(pins)) == pins
    assert ("led" in pins) == (board.pins.led is not None)
    assert ("battery_adc" in pins) == ("battery_divider_permille" in pins)


def test_pins_say_how_the_led_is_driven() -> None:
    assert render_pins(load_board("esp32-c3-devkitm-1")) == {
        "led": 8,
        "led_kind": "ws2812",
        "led_active": 1,
    }
    inverted = read(changed("led = 8", 'led = 8\nled_active = "low"'))
    assert render_pins(inverted)["led_active"] == 0
    assert render_pins(load_board("xiao-esp32c3"))["battery_divider_permille"] == 2000


def test_the_schema_is_the_one_of_the_types() -> None:
    assert schema.SCHEMA_FILE.read_text() == schema.schema_text()
    assert json.loads(schema.schema_text())["$ref"] == "#/$defs/BoardFile"


def test_a_projects_board_replaces_ours_and_new_ones_are_added(tmp_path: Path) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    (folder / "esp32-c3-devkitm-1.toml").write_text(changed("Espressif", "Our own"))
    (folder / "mine.toml").write_text(GOOD)
    assert load_board("esp32-c3-devkitm-1", tmp_path).title.startswith("Our own")
    assert load_board("esp32-c3-devkitm-1").title.startswith("Espressif")
    assert load_board("mine", tmp_path).id == "mine"
    assert len(list_boards(tmp_path)) == len(BOARDS) + 1


def test_an_unknown_board_is_answered_with_the_nearest() -> None:
    with pytest.raises(BoardFileError, match='No board is called "esp32-devkit"; did you mean'):
        load_board("esp32-devkit")
    with pytest.raises(BoardFileError, match=r"allowed: .*xiao-esp32c3"):
        load_board("../../etc/passwd")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("chip =", "chpi =", r'^mine\.toml: unknown key "chpi"; did you mean "chip"\?$'),
        ("led_kind", "led_king", r'unknown key "led_king" in \[pins\]; did you mean "led_kind"'),
        ("[currents.active]", "[currents.activ]", r'"activ" in \[currents\]; did you mean'),
        ("subtype =", "sub_type =", r'unknown key "sub_type" in \[partitions\]; did you mean'),
        ("sha256 =", "sha265 =", r'"sha265" in \[micropython\.releases\.1\.28\.0\]; did you'),
        ('"esp32c3"', '"esp32p9"', r"chip: invalid enum value 'esp32p9'\. Mend that value\.$"),
        ("led = 8", 'led = "8"', r"pins\.led: write a whole number"),
        ("title =", "title", r"not valid TOML: .* Mend that line\.$"),
        ("c749c22b6fe0", "C749", r"sha256: expected str matching"),
        ('type = "data"', 'type = "date"', r'"nvs": unknown type "date"; did you mean "data"\?'),
        ('subtype = "phy"', 'subtype = "phi"', r'unknown data subtype "phi"; did you mean "phy"'),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(old: str, new: str, sentence: str) -> None:
    with pytest.raises(BoardFileError, match=sentence) as caught:
        read(changed(old, new))
    assert not isinstance(caught.value, FlashMapError)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("offset = 0xf000", "offset = 0xe000", r'"nvs" .* and "phy_init" .* overlap: move'),
        ("flash_size_bytes = 0x400000", "flash_size_bytes = 0x200000", r"needs .* has 2 MiB"),
        ("offset = 0x10000", "offset = 0x18000", r'"factory" starts .* multiple of 0x10000'),
        ("size_bytes = 0x10000", "size_bytes = 0x10001", r"not a multiple of 0x1000"),
        ("offset = 0x9000", "offset = 0x8000", r"over the bootloader and the partition table"),
        ('label = "state"', 'label = "nvs"', r'Two partitions are called "nvs": rename one'),
    ],
)
def test_a_harmful_flash_map_is_refused(old: str, new: str, sentence: str) -> None:
    with pytest.raises(FlashMapError, match=r"^mine\.toml: .*" + sentence):
        read(changed(old, new))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    (folder / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BoardFileError, match=r"mine\.toml: cannot be read"):
        load_board("mine", tmp_path)


def test_a_missing_partition_says_where_to_copy_it_from() -> None:
    board = load_board("esp32-devkitc")
    assert board.partition("vfs") == find(board.partitions, "vfs")
    with pytest.raises(FlashMapError, match=r'no "swap" partition: copy it from .*esp32-devkitc'):
        board.partition("swap")
