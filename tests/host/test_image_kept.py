"""What takes seconds to make is made once; what is damaged or old is made anew."""

import contextlib
import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import PIPE

import pytest

from cma_toolkit.host_tools.image import kept

SOURCES = {"kernel/a.py": "x = 'ä'\n".encode(), "device/b.py": b"y = 1\n"}


class Maker:
    """Count how often something is made."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        self.count += 1
        return {path: text + b"# made\n" for path, text in sources.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CMA_CACHE", str(tmp_path))
    return tmp_path / "firmware"


def test_the_same_is_made_once_and_is_the_same(folder: Path) -> None:
    maker = Maker()
    first = kept.keep(SOURCES, maker)
    assert kept.keep(SOURCES, maker) == first == Maker()(SOURCES)
    assert maker.count == 1 and len(list(folder.iterdir())) == 1


def test_of_processes_that_want_the_same_at_once_one_makes_it(folder: Path) -> None:
    script = (
        "import sys\nfrom cma_toolkit.host_tools.image import kept\n"
        "def make(sources):\n    print('made', flush=True)\n    sys.stdin.read()\n"
        "    return dict(sources)\n"
        "print(kept.keep({'kernel/a.py': b'1'}, make, lambda: print('wanted', flush=True)))\n"
    )
    with contextlib.ExitStack() as stack:
        several = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE)
            )
            for _ in range(3)
        ]
        for process in several:
            assert process.stdout and process.stdout.readline() == b"wanted\n"
        for process in several:
            assert process.stdin
            process.stdin.close()  # the one that is at it may end
        told = [process.stdout.read().splitlines() for process in several if process.stdout]
    assert sum(lines.count(b"made") for lines in told) == 1
    assert {lines[-1] for lines in told} == {b"{'kernel/a.py': b'1'}"}


def test_who_holds_the_folder_and_does_nothing_only_costs_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    holder = os.open(folder, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    monkeypatch.setattr(kept, "WAIT_S", 0.3)
    maker = Maker()
    assert kept.keep(SOURCES, maker) == Maker()(SOURCES) and maker.count == 1
    os.close(holder)


def test_who_waits_is_told_before_it_is_made_and_only_then(folder: Path) -> None:
    happened: list[str] = []

    def make(sources: Mapping[str, bytes]) -> dict[str, bytes]:
        happened.append("made")
        return dict(sources)

    for _ in range(2):
        kept.keep(SOURCES, make, lambda: happened.append("told"))
    assert happened == ["told", "made"]


@pytest.mark.parametrize(
    "sources",
    [
        {**SOURCES, "kernel/a.py": b"x = 'a'\n"},
        {"kernel/a.py": SOURCES["kernel/a.py"]},
        {"kernel/a.pz": SOURCES["kernel/a.py"], "device/b.py": b"y = 1\n"},
    ],
)
def test_other_sources_are_made_anew(folder: Path, sources: dict[str, bytes]) -> None:
    maker = Maker()
    kept.keep(SOURCES, maker)
    assert kept.keep(sources, maker) == Maker()(sources)
    assert maker.count == 2


def test_what_another_code_has_made_is_made_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker()
    kept.keep(SOURCES, maker)
    monkeypatch.setattr(kept, "_rewriters", lambda: b"another")
    kept.keep(SOURCES, maker)
    assert maker.count == 2


def test_every_damage_is_noticed(folder: Path) -> None:
    maker = Maker()
    made = kept.keep(SOURCES, maker)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        assert kept.keep(SOURCES, maker) == made
        path.write_bytes(whole[:index])
        assert kept.keep(SOURCES, maker) == made
    assert maker.count == 1 + 2 * len(whole)
    assert path.read_bytes() == whole


def test_the_oldest_go(folder: Path) -> None:
    maker = Maker()
    for index in range(kept.KEPT_MAX + 2):
        kept.keep({"kernel/a.py": b"%d" % index}, maker)
        for path in folder.iterdir():
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert len(list(folder.iterdir())) == kept.KEPT_MAX
    kept.keep({"kernel/a.py": b"2"}, maker)
    assert maker.count == kept.KEPT_MAX + 2
    kept.keep({"kernel/a.py": b"1"}, maker)
    assert maker.count == kept.KEPT_MAX + 3


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    maker = Maker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMA_CACHE", str(tmp_path / "file"))
        for _ in range(2):
            assert kept.keep(SOURCES, maker) == Maker()(SOURCES)
    assert maker.count == 2


def test_a_disk_that_is_full_leaves_nothing_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    maker = Maker()
    monkeypatch.setattr(Path, "write_bytes", write_half)
    for _ in range(2):
        assert kept.keep(SOURCES, maker) == Maker()(SOURCES)
    assert maker.count == 2 and not list(folder.iterdir())
