"""`cma micropython` as typed, against a mirror on this computer."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.boards.load import OUR_FOLDER
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from support.mirror import Mirror, serve_mirror

FILE = "ESP32_GENERIC_C3-20991231-v1.99.0.bin"
IMAGE = make_micropython("esp32c3", version="1.99.0")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serve_mirror() as served:
        yield served


class Project:
    """A project whose own board file names our test release, and a store of its own."""

    def __init__(self, folder: Path, sha256: str = "") -> None:
        self.folder = folder
        (folder / "boards").mkdir()
        (folder / "fleet.toml").write_text('name = "test"\nnetwork = 1\n')
        ours = (OUR_FOLDER / "esp32-c3-devkitm-1.toml").read_text()
        head, _, tail = ours.partition("[usb]")
        release = f'[micropython.releases."1.99.0"]\nfile = "{FILE}"\n'
        release += f'sha256 = "{sha256}"\n' if sha256 else ""
        (folder / "boards" / "mine.toml").write_text(f"{head}{release}\n[usb]{tail}")

    def cma(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "micropython", *words],
            cwd=self.folder,
            env={"CMA_CACHE": str(self.folder / "cache"), "PATH": "", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_fetch_then_list_then_fetch_again(tmp_path: Path, mirror: Mirror) -> None:
    project = Project(tmp_path)
    mirror.files[FILE] = IMAGE
    done = project.cma("fetch", "--board", "mine", "--mirror", mirror.url)
    assert done.returncode == 0, done.stderr
    assert "recorded; every later use is held to it" in done.stdout
    (listed,) = json.loads(project.cma("list", "-o", "json").stdout)
    assert listed["sha256"] == hashlib.sha256(IMAGE).hexdigest()
    assert listed["pinned_by"] == "first use"
    assert FILE in project.cma("list").stdout
    again = project.cma("fetch", "--board", "mine", "--mirror", mirror.url)
    assert "is here already" in again.stdout
    assert len(mirror.requests) == 1


def test_a_download_whose_sha256_the_board_denies_is_refused(
    tmp_path: Path, mirror: Mirror
) -> None:
    project = Project(tmp_path, sha256="0" * 64)
    mirror.files[FILE] = IMAGE
    done = project.cma("fetch", "--board", "mine", "--mirror", mirror.url)
    assert done.returncode == 5
    assert "SHA-256" in done.stderr
    assert json.loads(project.cma("list", "-o", "json").stdout) == []


def test_add_works_without_a_network(tmp_path: Path) -> None:
    project = Project(tmp_path, sha256=hashlib.sha256(IMAGE).hexdigest())
    (tmp_path / FILE).write_bytes(IMAGE)
    done = project.cma("add", FILE)
    assert done.returncode == 0, done.stderr
    assert "as the board's file says" in done.stdout
    truncated = tmp_path / "ESP32_GENERIC_C3-20991231-v1.98.0.bin"
    truncated.write_bytes(IMAGE[:5000])
    done = project.cma("add", truncated.name)
    assert (done.returncode, "truncated" in done.stderr) == (4, True)
    assert project.cma("add", "absent.bin").returncode == 2


def test_no_network_and_an_unknown_board_are_one_sentence_each(tmp_path: Path) -> None:
    project = Project(tmp_path)
    done = project.cma("fetch", "--board", "mine", "--mirror", "http://127.0.0.1:9")
    assert done.returncode == 3
    assert "cma micropython add FILE" in done.stderr.strip().splitlines()[-1]
    done = project.cma("fetch", "--board", "min")
    assert done.returncode == 2
    assert "mine" in done.stderr
