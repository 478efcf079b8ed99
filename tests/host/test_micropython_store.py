"""The store of MicroPython releases: every image is checked at every use."""

import hashlib
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.flash import download
from cma_toolkit.host_tools.flash.contents import identify
from cma_toolkit.host_tools.flash.store import (
    PINNED_BY_BOARD,
    PINNED_BY_FIRST_USE,
    Store,
    check_version,
    store_folder,
    version_key,
)
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from support.mirror import serve_mirror

FILE = "ESP32_GENERIC_C3-20260406-v1.28.0.bin"
OLDER = "ESP32_GENERIC_C3-20251209-v1.27.0.bin"
NEWER = "ESP32_GENERIC_C3-20260801-v1.29.0.bin"
IMAGE = make_micropython("esp32c3", version="1.28.0")
DIGEST = hashlib.sha256(IMAGE).hexdigest()


def store(folder: Path, **pins: str) -> Store:
    return Store(folder, {FILE: pins["pin"]} if pins else {}, identify)


def test_an_added_image_is_found_and_read_back(tmp_path: Path) -> None:
    release = store(tmp_path).add(IMAGE, FILE, "here")
    assert (release.board, release.chip, release.version) == (
        "ESP32_GENERIC_C3", "esp32c3", "1.28.0"
    )  # fmt: skip
    again = store(tmp_path)
    assert again.find("ESP32_GENERIC_C3") == again.find("ESP32_GENERIC_C3", "v1.28.0") == release
    assert again.read(release) == IMAGE
    assert again.find("ESP32_GENERIC") is None
    assert again.find("ESP32_GENERIC_C3", "1.29.0") is None


def test_a_known_sha256_vouches_or_refuses(tmp_path: Path) -> None:
    assert store(tmp_path, pin=DIGEST).add(IMAGE, FILE, "").pinned_by == PINNED_BY_BOARD
    with pytest.raises(CmaError, match="the board's file says") as error:
        store(tmp_path / "other", pin="0" * 64).add(IMAGE, FILE, "")
    assert error.value.code is ExitCode.VERIFY_FAILED
    assert not (tmp_path / "other").exists()


def test_the_first_use_is_recorded_and_every_later_one_held_to_it(tmp_path: Path) -> None:
    assert store(tmp_path).add(IMAGE, FILE, "").pinned_by == PINNED_BY_FIRST_USE
    with pytest.raises(CmaError, match="its first use says"):
        store(tmp_path).add(make_micropython("esp32c3", version="1.28.1"), FILE, "")


def test_the_record_outlives_the_image(tmp_path: Path) -> None:
    release = store(tmp_path).add(IMAGE, FILE, "")
    store(tmp_path).path_of(release).unlink()
    assert store(tmp_path).releases() == []
    with pytest.raises(CmaError, match="its first use says"):
        store(tmp_path).add(make_micropython("esp32c3", version="1.28.1"), FILE, "")


def test_an_image_that_changed_on_disk_is_refused(tmp_path: Path) -> None:
    release = store(tmp_path).add(IMAGE, FILE, "")
    store(tmp_path).path_of(release).write_bytes(IMAGE[:-1] + b"x")
    with pytest.raises(CmaError, match="has changed") as error:
        store(tmp_path).read(release)
    assert error.value.code is ExitCode.VERIFY_FAILED


@pytest.mark.parametrize(
    ("data", "says"),
    [(IMAGE[:-1000], "truncated"), (b"<html>", "truncated"), (b"#!/bin/sh\n" * 99, "no ESP32")],
)
def test_what_is_no_whole_image_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(CmaError, match=says) as error:
        store(tmp_path).add(data, FILE, "")
    assert error.value.code is ExitCode.REFUSED
    assert not list(tmp_path.iterdir())


def test_a_name_that_says_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CmaError, match="does not say which build") as error:
        store(tmp_path).add(IMAGE, "firmware.bin", "")
    assert error.value.code is ExitCode.USAGE


def test_the_newest_that_can_run_our_kernel_is_taken(tmp_path: Path) -> None:
    here = store(tmp_path)
    for file in (OLDER, NEWER, FILE):
        version = file.rpartition("-v")[2].removesuffix(".bin")
        here.add(make_micropython("esp32c3", version=version), file, "")
    newest = here.find("ESP32_GENERIC_C3")
    assert newest and newest.file == NEWER
    assert [release.version for release in here.releases()] == ["1.29.0", "1.28.0", "1.27.0"]


def test_versions_order_as_people_expect() -> None:
    versions = ["1.28.0-preview.3", "v1.28.0", "1.28.1", "1.29.0", "1.100"]
    assert sorted(reversed(versions), key=version_key) == versions


def test_a_version_without_our_file_system_is_refused() -> None:
    check_version("1.28.0")
    check_version("")
    with pytest.raises(CmaError, match="too old") as error:
        check_version("v1.27.0")
    assert error.value.code is ExitCode.REFUSED


def test_the_environment_moves_the_store(tmp_path: Path) -> None:
    assert store_folder({"CMA_CACHE": str(tmp_path)}) == tmp_path / "micropython"
    assert store_folder({}).parts[-1] == "micropython"


def test_a_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    with serve_mirror() as mirror:
        mirror.files[FILE] = IMAGE
        mirror.break_after_bytes = 10_000
        with pytest.raises(CmaError, match="broke off") as error:
            download.fetch_file(mirror.url, FILE, part, lambda done, total: None)
        assert error.value.code is ExitCode.NO_DEVICE
        mirror.break_after_bytes = None
        told: list[tuple[int, int]] = []
        data = download.fetch_file(mirror.url, FILE, part, lambda *now: told.append(now))
    assert data == IMAGE
    assert mirror.requests[1][1] == "bytes=10000-"
    assert told[-1] == (len(IMAGE), len(IMAGE))
    assert not part.exists()


def test_a_part_longer_than_the_file_is_downloaded_anew(tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    part.write_bytes(b"x" * (len(IMAGE) + 5))
    with serve_mirror() as mirror:
        mirror.files[FILE] = IMAGE
        assert download.fetch_file(mirror.url, FILE, part, lambda *now: None) == IMAGE


def test_releases_are_listed_from_the_download_page() -> None:
    page = "".join(
        f'<a href="/resources/firmware/{name}">x</a>'
        for name in (OLDER, FILE, "ESP32_GENERIC-20260406-v1.28.0.bin", FILE + ".sig")
    )
    with serve_mirror() as mirror:
        mirror.pages["/download/ESP32_GENERIC_C3/"] = page
        found = download.list_files(mirror.url, "ESP32_GENERIC_C3")
    assert found == [FILE, OLDER]
    assert download.choose_file(found, "ESP32_GENERIC_C3", "") == FILE
    assert download.choose_file(found, "ESP32_GENERIC_C3", "1.27.0") == OLDER
    with pytest.raises(CmaError, match=r"Versions there: 1.27.0, 1.28.0"):
        download.choose_file(found, "ESP32_GENERIC_C3", "2.0")
    with pytest.raises(CmaError, match="cma micropython add"):
        download.choose_file([OLDER], "ESP32_GENERIC_C3", "")


def test_a_release_beats_a_newer_preview() -> None:
    preview = "ESP32_GENERIC_C3-20260901-v1.30.0-preview.12.bin"
    assert download.choose_file([preview, FILE], "ESP32_GENERIC_C3", "") == FILE


def test_no_network_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CmaError, match=r"no network .* cma micropython add FILE") as error:
        download.fetch_file("http://127.0.0.1:9", FILE, tmp_path / "x", lambda *now: None)
    assert error.value.code is ExitCode.NO_DEVICE


def test_a_mirror_that_is_no_address_is_a_wrong_flag(tmp_path: Path) -> None:
    with pytest.raises(CmaError, match="no web address") as error:
        download.fetch_file("nonsense", FILE, tmp_path / "x", lambda *now: None)
    assert error.value.code is ExitCode.USAGE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with serve_mirror() as mirror, pytest.raises(CmaError, match="answers 404"):
        download.fetch_file(mirror.url, FILE, tmp_path / "x", lambda *now: None)
