"""What becomes of a board's files when it is adopted, and how backups are kept."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash import backups
from cma_toolkit.host_tools.flash.adopt_plan import (
    check_readable,
    lines,
    merged,
    moved,
    plan_files,
)
from cma_toolkit.host_tools.flash.files_on_board import Holdings, Kind
from cma_toolkit.host_tools.flash.old_files import file_systems_in
from cma_toolkit.host_tools.flash.table_state import Table, TableState
from cma_toolkit.host_tools.image import partition_table

STOCK_BOOT = b"# This file is executed on every boot (including wake-boot from deepsleep)\n"
MAC = "a4:cf:12:00:00:01"


def test_old_main_becomes_the_application_and_the_rest_stays_where_it_was() -> None:
    files = {"boot.py": STOCK_BOOT, "main.py": b"print(1)", "lib/a.py": b"", "data/x.bin": b"\0"}
    plan = plan_files({name: len(data) for name, data in files.items()}, STOCK_BOOT)
    assert moved(files, plan) == {"app.py": b"print(1)", "lib/a.py": b"", "data/x.bin": b"\0"}
    assert any("old main.py becomes the application" in note for note in plan.notes)


def test_a_boot_file_that_does_something_comes_back_and_is_spoken_of() -> None:
    plan = plan_files({"boot.py": 20, "main.py": 1}, b"import network\n")
    assert plan.moves == {"boot.py": "boot.py", "main.py": "app.py"}
    assert any("no longer runs at start" in note for note in plan.notes)


def test_an_application_that_is_there_already_is_not_overwritten() -> None:
    plan = plan_files({"app.py": 5, "main.py": 10}, b"")
    assert plan.moves == {"app.py": "app.py", "main.py": "main.py"}
    assert any("main.py comes back beside it" in note for note in plan.notes)


def test_a_fat_file_system_is_refused_with_a_way_out() -> None:
    with pytest.raises(CmaError, match="mpremote cp -r") as error:
        check_readable([Holdings("ffat", Kind.FAT)])
    assert error.value.code is ExitCode.REFUSED
    check_readable([Holdings("vfs", Kind.LITTLEFS), Holdings("x", Kind.BLANK)])


def test_data_that_cannot_be_read_is_refused_rather_than_left_behind() -> None:
    with pytest.raises(CmaError, match="partition spiffs holds data") as error:
        check_readable([Holdings("vfs", Kind.LITTLEFS), Holdings("spiffs", Kind.UNKNOWN)])
    assert error.value.code is ExitCode.REFUSED


def test_equal_paths_of_two_file_systems_both_come_back() -> None:
    both = merged([("vfs", {"main.py": 1, "a": 2}), ("data1", {"main.py": 3, "b": 4})])
    assert both == {"main.py": 1, "a": 2, "data1/main.py": 3, "b": 4}
    with pytest.raises(CmaError, match="would come back as data1/a") as error:
        merged([("vfs", {"data1/a": 1, "a": 2}), ("data1", {"a": 3})])
    assert error.value.code is ExitCode.REFUSED


def test_a_file_system_is_known_by_its_subtype_and_an_erased_table_hides_our_own() -> None:
    user = Partition("user", 1, 0x83, 0x2A0000, 0x160000)
    data1 = Partition("data1", 1, 0x83, 0x200000, 0x200000)
    factory = Partition("factory", 0, 0, 0x10000, 0x100000)
    table = partition_table.to_bytes([factory, data1]).ljust(0x1000, b"\xff")
    found = file_systems_in(TableState(Table.FOREIGN), table, 4 << 20, [user])
    assert [part.label for part in found] == ["data1"]
    erased = b"\xff" * 0x1000
    assert file_systems_in(TableState(Table.BLANK), erased, 4 << 20, [user]) == [user]
    assert file_systems_in(TableState(Table.UNFINISHED), table, 4 << 20, [user]) == []


def test_the_plan_says_backup_map_files_and_application() -> None:
    sizes = {"main.py": 1000, "lib/a.py": 24}
    said = lines(
        plan_files(sizes, b""),
        sizes,
        4 << 20,
        "backups/x.bin",
        (Partition("user", 1, 0x83, 0x2A0000, 0x160000),),
    )
    assert said == [
        "back up 4 MiB to backups/x.bin",
        "new flash map: user 1.38 MiB",
        "2 files of yours (lib/a.py, main.py) come back, 1 KiB",
        "old main.py becomes the application, /user/app.py",
    ]


def test_a_backup_has_a_sum_that_sha256sum_accepts(tmp_path: Path) -> None:
    path = backups.save(tmp_path, MAC, b"flash" * 1000)
    assert path.name == "a4cf12000001.bin"
    check = ["sha256sum", "--check", "--strict", f"{path.name}.sha256"]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    assert backups.load(path) == b"flash" * 1000
    assert backups.mac_of(path) == MAC


def test_a_backup_is_its_owners_alone(tmp_path: Path) -> None:
    path = backups.save(tmp_path / "backups", MAC, b"one")
    assert [place.stat().st_mode & 0o777 for place in (path, path.parent)] == [0o600, 0o700]


def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    first = backups.save(tmp_path, MAC, b"one")
    second = backups.save(tmp_path, MAC, b"two")
    assert backups.save(tmp_path, MAC, b"one") == first
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert second.name == "a4cf12000001-2.bin"
    assert backups.backups_of(tmp_path, MAC) == [first, second]
    assert backups.digest_of(second) == sha256(b"two").hexdigest()
    assert backups.mac_of(second) == MAC


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    path = backups.save(tmp_path, MAC, b"one")
    path.write_bytes(b"onf")
    with pytest.raises(CmaError, match="damaged") as error:
        backups.load(path)
    assert error.value.code is ExitCode.VERIFY_FAILED


def test_a_missing_backup_and_a_strangers_file(tmp_path: Path) -> None:
    with pytest.raises(CmaError, match="No such file") as error:
        backups.load(tmp_path / "x.bin")
    assert error.value.code is ExitCode.USAGE
    assert backups.mac_of(tmp_path / "x.bin") == ""
    assert backups.chip_of(b"\xff" * 0x9000) == ""
