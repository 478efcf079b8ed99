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
from cma_toolkit.host_tools.image.shrink.firmware import on_boards

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


def test_a_fault_is_told_with_the_name_that_the_person_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.py").write_text(PLAIN + "def (\n")
    (tmp_path / "drivers").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    build(PLAIN, "../bad.py", code=ExitCode.USAGE)
    assert capsys.readouterr().err.startswith("cma: ../bad.py:3: SyntaxError")
    (tmp_path / "bad.py").write_text(PLAIN)
    (tmp_path / "drivers" / "soil.py").write_text("x = (\n")
    build(PLAIN, "../bad.py", code=ExitCode.USAGE)
    assert capsys.readouterr().err.startswith("cma: ../drivers/soil.py:")
    build(PLAIN + "def (\n", str(tmp_path / "here"), code=ExitCode.USAGE)
    assert capsys.readouterr().err.startswith("cma: app.py:3: SyntaxError")


def test_several_chips_get_what_each_needs(capsys: pytest.CaptureFixture[str]) -> None:
    build(NATIVE, "--chip", "esp32", "--chip", "esp32c3", "--chip", "esp32s3")
    assert built() == ["app-rv32imc.romfs", "app-xtensawin.romfs"]
    Path("lib").mkdir()
    quick = mpy.compile_source(NATIVE.encode(), "quick.py", "xtensawin")
    Path("lib/quick.mpy").write_bytes(quick)
    capsys.readouterr()
    build(PLAIN, "--chip", "esp32", "--chip", "esp32c3", code=ExitCode.REFUSED)
    assert "for xtensawin, not for rv32imc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "meant"), [("json", "json"), ("table", "table"), ("text", "table")]
)
def test_o_as_other_commands_have_it_writes_no_file_of_that_name(
    capsys: pytest.CaptureFixture[str], given: str, meant: str
) -> None:
    build(PLAIN, "-o", given, code=ExitCode.USAGE)
    assert f"give --output {meant}." in capsys.readouterr().err
    assert not Path(given).exists()


@pytest.mark.parametrize(
    "source",
    [
        "import time\nprint(time.time())\n",
        "class A:\n    def setup(self): ...\n",
        "print('setup')\n",
    ],
)
def test_what_would_never_be_an_agent_is_refused(
    capsys: pytest.CaptureFixture[str], source: str
) -> None:
    build(source, code=ExitCode.USAGE)
    assert capsys.readouterr().err == "cma: app.py has no function setup(agent); add one.\n"
    assert not built()


@pytest.mark.parametrize(
    "source",
    [
        "from parts import setup\n",
        "from parts import *\n",
        "setup = lambda agent: None\n",
        "try:\n    import parts\nexcept ImportError:\n    async def setup(agent): ...\n",
    ],
)
def test_a_setup_may_come_from_anywhere(source: str) -> None:
    build(source)
    assert built() == ["app.romfs"]


def test_the_wait_of_a_first_build_is_told_once_and_not_among_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image_build, "shrink", on_boards)  # seconds, and not what is told here
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
    monkeypatch.setattr(image_build, "shrink", on_boards)
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
    assert "more than its slot of 208896" in said and "app.mpy" in said
    build(many_functions(20_000), code=ExitCode.REFUSED)
    said = capsys.readouterr().err
    assert "too large for a board" in said and "MemoryError" not in said


def test_a_source_too_large_to_compile_is_no_fault_in_a_line() -> None:
    with pytest.raises(ImageError, match="too large for a board: its source has") as caught:
        mpy.compile_source(many_functions(20_000).encode(), "lib/x.py")
    assert type(caught.value) is ImageError
