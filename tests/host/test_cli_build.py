"""`cma build` leaves what a person expects in a project, and refuses in one sentence."""

import json
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.cli.build import MAKING
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.image import build as image_build
from cma_toolkit.host_tools.image import kept, mpy
from cma_toolkit.host_tools.image.errors import ImageError

PLAIN = "def setup(agent):\n    pass\n"
NATIVE = "import micropython\n@micropython.native\ndef setup(agent):\n    pass\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(source: str, *arguments: str, code: ExitCode = ExitCode.OK) -> None:
    Path("app.py").write_text(source)
    with pytest.raises(SystemExit) as ended:
        main(["build", *arguments])
    assert ended.value.code == code


def built(folder: str = "build") -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*.romfs"))


def test_no_image_of_an_earlier_build_stays_beside_what_stands_in_for_it() -> None:
    Path("build").mkdir()
    Path("build/other.romfs").write_bytes(b"mine")
    build(PLAIN)
    assert built() == ["app.romfs", "other.romfs"]
    build(NATIVE)
    assert built() == ["app-rv32imc.romfs", "app-xtensawin.romfs", "other.romfs"]
    build(PLAIN)
    assert built() == ["app.romfs", "other.romfs"]


def test_an_image_for_one_family_leaves_that_of_the_other() -> None:
    build(PLAIN)
    build(NATIVE, "--chip", "esp32c3")
    assert built() == ["app-rv32imc.romfs"]
    build(NATIVE, "--chip", "esp32")
    assert built() == ["app-rv32imc.romfs", "app-xtensawin.romfs"]


def test_one_image_has_the_name_that_it_was_given() -> None:
    build(PLAIN)
    build(NATIVE, "--chip", "esp32c3", "-o", "c3.romfs")
    assert built(".") == ["c3.romfs"] and built() == ["app.romfs"]
    build(NATIVE, "-o", "all.romfs")
    assert built(".") == ["all-rv32imc.romfs", "all-xtensawin.romfs", "c3.romfs"]


def test_an_unknown_chip_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    build(PLAIN, "--chip", "esp32c9", code=ExitCode.USAGE)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(chip in said for chips in mpy.FAMILIES.values() for chip in chips)


def test_the_wait_of_a_first_build_is_told_once_and_not_among_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image_build, "shrink", dict)  # seconds, and not what is told here
    build(PLAIN, "--plain")
    assert MAKING not in capsys.readouterr().err
    build(PLAIN, "--output", "json")
    first = capsys.readouterr()
    assert first.err == f"{MAKING}\n" and json.loads(first.out)["name"] == "app"
    build(PLAIN, "--output", "json")
    again = capsys.readouterr()
    assert (again.err, again.out) == ("", first.out)


def test_flash_tells_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kept, "_read", lambda _: None)  # as on the first day
    monkeypatch.setattr(image_build, "shrink", dict)
    (tmp_path / "app.py").write_text(PLAIN)
    monkeypatch.setenv("CMA_CACHE", str(tmp_path / "cache"))
    for app in (None, tmp_path / "app.py"):
        AgentImages(tmp_path, app=app).check()
        assert capsys.readouterr().err == f"{MAKING}\n"


def many_functions(count: int) -> str:
    return PLAIN + "".join(f"def f{n}(a):\n    return a + {n}\n" for n in range(count))


def test_what_no_board_can_hold_is_told_with_how_much_it_is_too_large(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # More than mpy-cross compiles in the memory that it takes by itself.
    build(many_functions(7_000), code=ExitCode.REFUSED)
    said = capsys.readouterr().err
    assert "more than its slot of 262144" in said and "app.mpy" in said
    build(many_functions(20_000), code=ExitCode.REFUSED)
    said = capsys.readouterr().err
    assert "too large for a board" in said and "MemoryError" not in said


def test_a_source_too_large_to_compile_is_no_fault_in_a_line() -> None:
    with pytest.raises(ImageError, match="too large for a board: its source has") as caught:
        mpy.compile_source(many_functions(20_000).encode(), "lib/x.py")
    assert type(caught.value) is ImageError
