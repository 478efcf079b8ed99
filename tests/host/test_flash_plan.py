"""What is written, in which order, and what is refused, without any board."""

import pytest

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash import consent, plan
from cma_toolkit.host_tools.flash.device import Chip
from cma_toolkit.host_tools.flash.files_on_board import Holdings, Kind
from cma_toolkit.host_tools.flash.table_state import (
    FLASHING,
    Table,
    TableState,
    finished_sector,
    judge,
)
from cma_toolkit.host_tools.image import partition_table

MAP = [
    Partition("nvs", 1, 2, 0x9000, 0x6000),
    Partition("factory", 0, 0, 0x10000, 0x1E0000),
    Partition("romfs", 1, 0x8F, 0x1F0000, 0x80000),
    Partition("state", 1, 0x90, 0x270000, 0x20000),
    Partition("vfs", 1, 0x83, 0x290000, 0x10000),
    Partition("user", 1, 0x83, 0x2A0000, 0x160000),
]
CHIP = Chip("esp32", "a4:cf:12:00:00:01", 4 << 20)
CONTENTS = plan.Contents(
    bootloader=b"\xe9" * 100, table=partition_table.to_bytes(MAP), app=b"\xe9" * 200,
    vfs=b"root", empty_user=b"fs".ljust(8192, b"\x01"),
)  # fmt: skip
DEFAULTS = {"esp32": "esp32-devkitc"}
FOREIGN = TableState(Table.FOREIGN)
OURS = TableState(Table.OURS)
BLANK = TableState(Table.BLANK)


def code_of(error: pytest.ExceptionInfo[CmaError]) -> ExitCode:
    assert error.value.message.endswith((".", "cma micropython fetch"))
    return error.value.code


def test_the_board_is_the_one_asked_for_then_the_fleets_then_the_chips_dev_kit() -> None:
    by_mac = {CHIP.mac: "my-board"}
    assert plan.board_for(CHIP, "m5stack-atoms3", by_mac, DEFAULTS) == ("m5stack-atoms3", "")
    board, said = plan.board_for(CHIP, "", by_mac, DEFAULTS)
    assert board == "my-board" and CHIP.mac in said
    board, said = plan.board_for(CHIP, "", {}, DEFAULTS)
    assert board == "esp32-devkitc" and "--board" in said


def test_a_chip_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(CmaError, match="esp8266") as error:
        plan.board_for(Chip("esp8266", "", 0), "", {}, DEFAULTS)
    assert code_of(error) is ExitCode.REFUSED


@pytest.mark.parametrize(
    ("chip", "says"),
    [
        (Chip("esp32c3", "", 4 << 20), "Wrong chip"),
        (Chip("esp32", "", 2 << 20), "smaller than the map"),
        (Chip("esp32", "", 0), "does not tell its size"),
        (Chip("esp32", "", 4 << 20, "flash encryption"), "flash encryption enabled"),
    ],
)
def test_what_would_not_run_is_refused(chip: Chip, says: str) -> None:
    with pytest.raises(CmaError, match=says) as error:
        plan.check_chip(chip, "esp32-devkitc", "esp32", MAP)
    assert code_of(error) is ExitCode.REFUSED


def test_the_right_chip_passes() -> None:
    plan.check_chip(CHIP, "esp32-devkitc", "esp32", MAP)
    plan.check_fit(CONTENTS, 0x1000, MAP)


@pytest.mark.parametrize(
    ("field", "size"),
    [("app", 0x1E0001), ("bootloader", 0x7001), ("vfs", 0x10001)],
)
def test_what_is_larger_than_its_place_is_refused(field: str, size: int) -> None:
    with pytest.raises(CmaError) as error:
        plan.check_fit(replace(field, b"x" * size), 0x1000, MAP)
    assert code_of(error) is ExitCode.REFUSED


def replace(field: str, data: bytes) -> plan.Contents:
    return plan.Contents(**{**CONTENTS.__dict__, field: data})


def test_a_fresh_board_gets_the_mark_first_and_loses_it_last() -> None:
    written = regions(fresh=True)
    assert written[0].offset == written[-1].offset == 0x8000
    assert judge(written[0].data, CONTENTS.table) == TableState(Table.UNFINISHED, FLASHING)
    assert written[-1].data == finished_sector(CONTENTS.table)
    labels = [region.label for region in written[1:-1]]
    assert labels == [
        "image", "root files", "user files", "blank state", "MicroPython", "bootloader"
    ]  # fmt: skip


def test_a_board_of_ours_keeps_its_table_user_files_state_and_settings() -> None:
    labels = [region.label for region in regions(fresh=False)]
    assert labels == ["image", "root files", "MicroPython", "bootloader"]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_micropython_that_came_over_the_air_runs_no_more(*, fresh: bool) -> None:
    places = load_board("esp32-s3-devkitc-1").partitions
    written = plan.regions(
        CONTENTS, [], 0, places, fresh=fresh, mark=FLASHING, user=b"", keep_nvs=True
    )
    labels = [region.label for region in written]
    assert plan.Region("blank otadata", 0x6C0000, b"\xff" * 0x2000) in written
    assert labels.index("blank otadata") < labels.index("MicroPython"), "a cut leaves one to start"


def test_settings_that_are_no_nvs_are_blanked_on_a_fresh_board_only() -> None:
    written = regions(fresh=True, keep_nvs=False)
    assert plan.Region("blank nvs", 0x9000, b"\xff" * 0x6000) in written
    assert "blank nvs" not in [region.label for region in regions(fresh=False, keep_nvs=False)]


def test_power_may_fail_after_any_write_and_the_next_run_knows_it_is_unfinished() -> None:
    flash = bytearray(b"\x00" * (4 << 20))
    flash[0x8000:0x9000] = finished_sector(partition_table.to_bytes(MAP[:1]))
    for region in regions(fresh=True)[:-1]:
        flash[region.offset : region.offset + len(region.data)] = region.data
        assert judge(bytes(flash[0x8000:0x9000]), CONTENTS.table).table is Table.UNFINISHED


def regions(*, fresh: bool, keep_nvs: bool = True) -> list[plan.Region]:
    return plan.regions(
        CONTENTS, [plan.Region("image", 0x1F0000, b"rom")], 0x1000, MAP, fresh=fresh,
        mark=FLASHING, user=CONTENTS.empty_user,
        keep_nvs=keep_nvs,
    )  # fmt: skip


def test_only_what_may_hold_a_users_files_is_surveyed() -> None:
    theirs = [
        Partition("nvs", 1, 2, 0x9000, 0x6000),
        Partition("vfs", 1, 0x81, 0x200000, 0x200000),
        Partition("assets", 1, 0x82, 0x100000, 0x1000),
    ]
    surveyed = consent.areas_to_survey(FOREIGN, MAP, theirs, False)
    assert [part.label for part in surveyed] == ["vfs", "assets"]
    assert [part.label for part in consent.areas_to_survey(OURS, MAP, [], False)] == ["vfs"]
    assert [part.label for part in consent.areas_to_survey(OURS, MAP, [], True)] == ["vfs", "user"]
    blank = consent.areas_to_survey(BLANK, MAP, [], False)
    assert [part.label for part in blank] == ["vfs", "user"]
    assert consent.areas_to_survey(TableState(Table.UNFINISHED, FLASHING), MAP, [], True) == []


def test_files_of_a_user_are_at_risk_and_stock_ones_are_not() -> None:
    stock = {"boot.py": b"# This file is executed on every boot\n#import esp\n\n"}
    held = Holdings("vfs", Kind.LITTLEFS, {"boot.py": 50})
    assert consent.at_risk(FOREIGN, MAP, [held], stock) == []
    assert consent.at_risk(FOREIGN, MAP, [held], {"boot.py": b"import network\n"}) == ["boot.py"]
    both = Holdings("vfs", Kind.LITTLEFS, {"boot.py": 50, "main.py": 3})
    assert consent.at_risk(FOREIGN, MAP, [both], stock) == ["boot.py", "main.py"]
    assert consent.at_risk(FOREIGN, MAP, [Holdings("vfs", Kind.BLANK)], {}) == []
    assert consent.at_risk(FOREIGN, MAP, [Holdings("ffat", Kind.FAT)], {}) == [
        "FAT in partition ffat"
    ]


def test_a_table_that_cannot_be_read_may_hide_anything() -> None:
    risks = consent.at_risk(FOREIGN, [], [], {})
    with pytest.raises(CmaError, match="holds unknown data behind a partition table"):
        consent.check_consent(FOREIGN, risks, adopting=False, yes=False)


def test_our_root_files_are_known_by_their_manifest() -> None:
    import json

    root = {"boot.py": b"boot", "main.py": b"main"}
    root[consent.MANIFEST] = json.dumps(consent.manifest_of(root)).encode()
    held = Holdings("vfs", Kind.LITTLEFS, dict.fromkeys(root, 1))
    assert consent.at_risk(OURS, [], [held], root) == []
    assert consent.at_risk(OURS, [], [held], {**root, "main.py": b"mine"}) == ["main.py"]
    assert consent.at_risk(OURS, [], [held], {**root, "extra.py": b""}) == ["extra.py"]
    assert consent.at_risk(OURS, [], [Holdings("vfs", Kind.UNKNOWN)], {}) == []


def test_a_manifest_that_is_no_manifest_vouches_for_nothing() -> None:
    for text in (b"[1]", b"{", b"null"):
        assert consent.not_ours({consent.MANIFEST: text, "a.py": b""}) == ["a.py"]


def test_files_behind_an_erased_table_are_at_risk_and_leftovers_are_not() -> None:
    holdings = [Holdings("vfs", Kind.UNKNOWN), Holdings("user", Kind.LITTLEFS, {"app.py": 3})]
    assert consent.at_risk(BLANK, [], holdings, {}) == ["app.py"]
    assert consent.at_risk(BLANK, [], [Holdings("user", Kind.UNKNOWN)], {}) == []
    assert consent.at_risk(BLANK, [], [Holdings("vfs", Kind.LITTLEFS, {})], {"x.py": b""}) == [
        "x.py"
    ]


def test_a_file_whose_name_is_a_word_of_ours_is_a_file() -> None:
    assert consent.name_some(["data", "table"]) == "2 files of yours (data, table)"


def test_a_users_files_need_yes_and_the_sentence_names_them() -> None:
    files = ["boot.py", "lib/a.py", "lib/b.py", "main.py"]
    with pytest.raises(
        CmaError, match=r"4 files of yours \(boot.py, lib/a.py, lib/b.py, …\)"
    ) as e:
        consent.check_consent(FOREIGN, files, adopting=False, yes=False)
    assert code_of(e) is ExitCode.NEEDS_YES
    consent.check_consent(FOREIGN, files, adopting=False, yes=True)
    consent.check_consent(FOREIGN, files, adopting=True, yes=False)
    consent.check_consent(FOREIGN, [], adopting=False, yes=False)


def test_a_half_adopted_board_is_not_flashed_over_by_chance() -> None:
    with pytest.raises(CmaError, match="cma adopt again") as error:
        consent.check_consent(
            TableState(Table.UNFINISHED, "adopt 00"), [], adopting=False, yes=False
        )
    assert code_of(error) is ExitCode.NEEDS_YES


def test_only_the_blocks_that_hold_something_are_written() -> None:
    block, blank = b"\x01" * 4096, b"\xff" * 4096
    image = block + block + blank + blank + block
    assert plan.pieces("user files", 0x1000, image) == [
        plan.Region("user files", 0x1000, block + block),
        plan.Region("user files", 0x5000, block),
    ]
    assert plan.pieces("user files", 0, blank) == []
