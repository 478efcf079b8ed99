"""The agent's image: what is in it, what is refused, and the same bytes wherever it is built."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import build, mpy, romfs
from cma_toolkit.host_tools.image.errors import ImageError, SourceError
from support.images import run_micropython

APP = {"app.py": b"def setup(agent):\n    pass\n", "drivers/soil.py": b"def make(board): ...\n"}
VIPER = b"import micropython\n@micropython.viper\ndef add(a: int) -> int:\n    return a + 1\n"
PROGRAM = """
import sys
from pathlib import Path
from cma_toolkit.host_tools.flash.contents import build_image
sys.stdout.write(build_image({"app.py": Path(sys.argv[1]).read_bytes()}, "greenhouse").sha256)
"""
RUN = """
import sys, vfs
vfs.mount(vfs.VfsRom(memoryview(open(sys.argv[1], "rb").read())), "/rom")
sys.path[:] = ["/rom", "/rom/lib"]
"""


def test_it_holds_kernel_drivers_and_application_as_mpy_and_says_what_it_is() -> None:
    image = build.build(FIRMWARE, {**APP, "lib/table.csv": b"1,2\n"}, "greenhouse")
    files = romfs.read(image.data)
    assert {"app.mpy", "drivers/soil.mpy", "lib/table.csv", "image.json"} < set(files)
    assert not [path for path in files if path.endswith(".py")]
    about = json.loads(files["image.json"])
    assert (about["name"], about["sources"]) == ("greenhouse", image.sources)
    assert about["mpy"] == mpy.compiler()[1]
    assert sum(image.sizes.values()) == sum(map(len, files.values()))
    assert all(image.sizes[part] for part in build.PARTS)
    assert len(image.data) + image.left_bytes == build.SLOT_BYTES
    assert build.open_image(image.data, "x") == image


def test_a_plain_image_holds_what_boards_import_and_runs(tmp_path: Path) -> None:
    image = build.build(FIRMWARE, APP, "greenhouse", plain=True)
    files = romfs.read(image.data)
    assert "kernel/mesh/neighbours.mpy" in files, "as it is written, not put together"
    assert not [path for path in files if path.startswith("kernel/secure/")], "hosts' alone yet"
    (tmp_path / "plain.romfs").write_bytes(image.data)
    code = RUN + "import kernel.agent, device.app, device.links\nprint(kernel.agent.Agent)"
    assert "Agent" in run_micropython(code, str(tmp_path / "plain.romfs"))


def test_the_same_sources_give_the_same_bytes_in_other_folders_times_and_locales(
    tmp_path: Path,
) -> None:
    digests = set()
    for number, locale in enumerate(("C", "de_DE.UTF-8", "ja_JP.eucJP")):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        (folder / "app.py").write_bytes(APP["app.py"])
        os.utime(folder / "app.py", (number * 1e8, number * 1e8))
        zone = {"LC_ALL": locale, "TZ": f"UTC-{number}", "PYTHONHASHSEED": str(number)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder / "app.py")],
            cwd=folder,
            env={**os.environ, **zone, "SOURCE_DATE_EPOCH": str(int(time.time()) + number)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1 and len(digests.pop()) == 64


def test_any_other_source_makes_another_image() -> None:
    plain = build.build(FIRMWARE, APP, "greenhouse")
    comment = build.build(FIRMWARE, {**APP, "app.py": APP["app.py"] + b"# more\n"}, "greenhouse")
    assert plain.sources != comment.sources and plain.sha256 != comment.sha256
    moved = {"app.py": APP["app.py"], "drivers/soi.py": b"l" + APP["drivers/soil.py"]}
    assert build.digest_of(moved) != build.digest_of(APP)


def test_native_code_makes_an_image_per_family_and_runs(tmp_path: Path) -> None:
    files = {**APP, "lib/quick.py": VIPER}
    with pytest.raises(mpy.NativeCodeError):
        build.build(FIRMWARE, files)
    images = {family: build.build(FIRMWARE, files, "q", family) for family in mpy.FAMILIES}
    for family, image in images.items():
        assert (image.architecture, image.chips) == (family, mpy.FAMILIES[family])
    assert len({image.sha256 for image in images.values()}) == len(mpy.FAMILIES)
    here = tmp_path / "here.romfs"
    here.write_bytes(build.build(FIRMWARE, files, "q", mpy.THIS_COMPUTER).data)
    assert run_micropython(RUN + "import quick\nprint(quick.add(41))\n", str(here)).split() == [
        "42"
    ]


def test_one_image_is_for_every_chip_we_have_boards_of() -> None:
    from cma_toolkit.boards.load import list_boards

    image = build.build(FIRMWARE, APP)
    assert {board.chip for board in list_boards()} <= set(image.chips)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"lib/kernel.py": b""}, "lib/kernel.py would be hidden"),
        ({"lib/drivers/x.py": b""}, "would be hidden by our own drivers"),
        ({"lib/x.mpy": b"C\x05\x00\x1f"}, "lib/x.mpy is no .mpy"),
        ({"lib/x.py": b"", "lib/x.mpy": b"M\x06\x00\x1f"}, "are both there: remove one"),
        ({"lib/a.mpy": b"M\x06\x2b\x1f", "lib/b.mpy": b"M\x06\x2f\x1f"}, "No chip runs both"),
        ({"lib/ä.txt": b""}, "is no path inside a ROMFS"),
        ({"lib/big.bin": bytes(build.SLOT_BYTES)}, "the largest files are lib/big.bin 208896"),
    ],
)
def test_what_cannot_work_is_refused(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(ImageError) as caught:
        build.build(FIRMWARE, {**APP, **files})
    assert words in str(caught.value)


def test_a_source_that_does_not_compile_is_named_with_its_line() -> None:
    with pytest.raises(SourceError, match=r"^drivers/x\.py:2: SyntaxError.* Mend it, save it\.$"):
        build.build(FIRMWARE, {**APP, "drivers/x.py": b"x = 1\ndef f(:\n"})
    with pytest.raises(SourceError, match=r"^app\.py:3: ViperTypeError"):
        mpy.compile_source(
            VIPER.replace(b"a + 1", b"a[0]").replace(b"import m", b"import m", 1),
            "app.py",
            "xtensawin",
        )


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no .*kernel: install cma-toolkit again"):
        build.build(tmp_path)


def test_tracebacks_name_the_source() -> None:
    assert b"drivers/soil.py" in mpy.compile_source(b"x = 1\n", "drivers/soil.py")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (None, "is no image"),
        ({"kernel/agent.mpy": b"M\x06\x00\x1f"}, "does not say what it is"),
        ({"image.json": b'{"name":"x","sources":"y"}'}, "has no kernel"),
    ],
)
def test_a_file_that_is_no_image_of_ours_is_refused(
    files: dict[str, bytes] | None, words: str
) -> None:
    with pytest.raises(ImageError, match=words):
        build.open_image(b"garbage" if files is None else romfs.pack(files), "x.romfs")
