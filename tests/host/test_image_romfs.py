"""ROMFS images: MicroPython runs from what we build, and the same sources give the same bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.host_tools.image import mpy, romfs
from cma_toolkit.host_tools.image.errors import ImageError
from support.images import run_micropython

MOUNT = """
import sys, vfs, os
image = memoryview(open(sys.argv[1], "rb").read())
vfs.mount(vfs.VfsRom(image), "/image")
"""
SHOW = """
def show(folder):
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind & 0x4000: show(path)
        else: print(path[7:], open(path, "rb").read().hex())
show("/image")
"""
names = st.text(
    st.characters(codec="ascii", exclude_characters="/", min_codepoint=33), min_size=1, max_size=9
).filter(lambda name: name not in (".", ".."))
contents = st.dictionaries(names, st.binary(max_size=300), max_size=4)


def test_micropython_reads_every_file_of_an_image(tmp_path: Path) -> None:
    files = {"a.txt": b"a", "empty": b"", "p/q/r.bin": bytes(range(256)) * 100, "p/s": b"s"}
    image = tmp_path / "romfs.bin"
    image.write_bytes(romfs.pack(files) + b"\xff" * 100)
    shown = [line.split(" ", 1) for line in run_micropython(MOUNT + SHOW, str(image)).splitlines()]
    assert {path: bytes.fromhex(text.strip()) for path, text in shown} == files


def test_micropython_imports_compiled_modules_from_an_image(tmp_path: Path) -> None:
    sources = {
        "pump/__init__.py": b"from .valve import angle\n",
        "pump/valve.py": b"def angle(n):\n    return n * 3\n",
    }
    image = tmp_path / "romfs.bin"
    image.write_bytes(romfs.pack(mpy.compile_files(sources)))
    program = MOUNT + 'sys.path[:] = ["/image"]\nimport pump\nprint(pump.angle(14))\n'
    assert run_micropython(program, str(image)).split() == ["42"]


@given(contents, st.dictionaries(names, contents, max_size=3))
def test_files_survive_their_image(top: dict[str, bytes], below: dict[str, dict]) -> None:  # type: ignore[type-arg]
    files = dict(top)
    for folder, inner in below.items():
        if folder not in top:
            files |= {f"{folder}/{name}": content for name, content in inner.items()}
    image = romfs.pack(files)
    assert romfs.read(image) == files
    assert romfs.read(image + b"\xff" * 50) == files
    assert image == romfs.pack(dict(reversed(files.items())))
    assert len(image) % 2 == 0


@pytest.mark.parametrize("path", ["", "/a", "a//b", "..", "é", "a/" * 16 + "b"])
def test_a_bad_path_is_refused(path: str) -> None:
    with pytest.raises(ImageError):
        romfs.pack({path: b""})


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
def test_a_name_is_a_file_or_a_folder(paths: tuple[str, str]) -> None:
    with pytest.raises(ImageError, match='"a" is both a file and a folder'):
        romfs.pack(dict.fromkeys(paths, b""))


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(1, 255))
def test_garbage_is_refused_or_read_but_never_crashes(data: bytes, at: int, flip: int) -> None:
    image = bytearray(romfs.pack({"a/b.mpy": b"M" * 60, "c": b"c" * 90}))
    image[at % len(image)] ^= flip
    for candidate in (data, b"\xd2\xcd\x31" + data, bytes(image), bytes(image[:at])):
        try:
            romfs.read(candidate)
        except ImageError as error:
            assert str(error).endswith("flash the board again.")


def test_what_is_no_romfs_is_called_so() -> None:
    with pytest.raises(ImageError, match="There is no ROMFS here"):
        romfs.read(b"\xff" * 64)


def test_a_file_may_point_at_data_elsewhere_in_the_image() -> None:
    from mpremote.romfs import VfsRomWriter

    writer = VfsRomWriter()
    writer.mkdata(b"shared")
    at = len(b"\xd2\xcd\x31" + b"\x10" + b"\x02\x06")  # magic, length, kind and length
    writer.mkfile("one", (6, at))
    image = bytes(writer.finalise())
    assert image.index(b"shared") == at
    assert romfs.read(image) == {"one": b"shared"}
