"""Littlefs images: what we build MicroPython mounts, what MicroPython writes we read."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.image import littlefs
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.littlefs import Kind
from support.images import run_micropython

SIZE_BYTES = 0x10000
_ROOTS = [*range(0x40), *range(0x1000, 0x1040)]
names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12)
names = names.filter(lambda name: name not in (".", ".."))
contents = st.dictionaries(names, st.binary(max_size=3000), max_size=4)
FILES = {
    "boot.py": b"import vfs\n",
    "main.py": bytes(range(256)) * 40,
    "lib/deep/er/module.mpy": b"M\x06\x00\x1f",
    "empty": b"",
}

# A block device over a file, with the geometry of MicroPython's ESP32 port.
DEVICE = """
import sys, vfs, os
class Device:
    def __init__(self, path):
        self.file = open(path, "r+b")
        self.count = self.file.seek(0, 2) // 4096
    def readblocks(self, n, buf, off=0):
        self.file.seek(n * 4096 + off); self.file.readinto(buf)
    def writeblocks(self, n, buf, off=None):
        if off is None:
            self.ioctl(6, n); off = 0
        self.file.seek(n * 4096 + off); self.file.write(buf)
    def ioctl(self, op, arg):
        if op == 4: return self.count
        if op == 5: return 4096
        if op == 6:
            self.file.seek(arg * 4096); self.file.write(b"\\xff" * 4096); return 0
        if op == 3: self.file.flush(); return 0
device = Device(sys.argv[1])
"""
SHOW = """
vfs.mount(vfs.VfsLfs2(device), "/image")
def show(folder):
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind & 0x4000: show(path)
        else: print(path[7:], open(path, "rb").read().hex())
show("/image")
"""
WRITE = """
vfs.VfsLfs2.mkfs(device)
vfs.mount(vfs.VfsLfs2(device), "/image")
os.mkdir("/image/drivers")
with open("/image/drivers/a.py", "wb") as f: f.write(b"a" * 5000)
with open("/image/app.py", "wb") as f: f.write(b"old")
with open("/image/app.py", "wb") as f: f.write(b"new")
vfs.umount("/image"); device.ioctl(3, 0)
"""


def test_micropython_mounts_what_we_build(tmp_path: Path) -> None:
    image = tmp_path / "vfs.bin"
    image.write_bytes(littlefs.build(FILES, SIZE_BYTES))
    shown = dict(
        line.split(" ", 1) for line in run_micropython(DEVICE + SHOW, str(image)).splitlines()
    )
    assert {path: bytes.fromhex(text.strip()) for path, text in shown.items()} == FILES


def test_micropython_can_fill_what_we_build(tmp_path: Path) -> None:
    image = tmp_path / "user.bin"
    image.write_bytes(littlefs.build({"app.py": b"print(1)"}, SIZE_BYTES))
    more = 'vfs.mount(vfs.VfsLfs2(device), "/image")\nfree = os.statvfs("/image")\n'
    more += 'with open("/image/log", "wb") as f: f.write(bytes(free[1] * (free[3] - 4)))\n'
    run_micropython(DEVICE + more + 'vfs.umount("/image"); device.ioctl(3, 0)', str(image))
    found = littlefs.read(image.read_bytes())
    assert found["app.py"] == b"print(1)"
    assert len(found["log"]) > SIZE_BYTES // 2


def test_we_read_what_micropython_writes(tmp_path: Path) -> None:
    image = tmp_path / "vfs.bin"
    image.write_bytes(b"\xff" * SIZE_BYTES)
    run_micropython(DEVICE + WRITE, str(image))
    data = image.read_bytes()
    assert littlefs.kind_of(data) is Kind.LITTLEFS
    assert littlefs.read(data) == {"drivers/a.py": b"a" * 5000, "app.py": b"new"}


@given(contents, st.dictionaries(names, contents, max_size=2))
@settings(max_examples=50)
def test_files_survive_their_image(top: dict[str, bytes], below: dict[str, dict]) -> None:  # type: ignore[type-arg]
    files = dict(top)
    for folder, inner in below.items():
        if folder not in top:
            files |= {f"{folder}/{name}": content for name, content in inner.items()}
    image = littlefs.build(files, SIZE_BYTES)
    assert len(image) == SIZE_BYTES
    assert littlefs.read(image) == files


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    backwards = dict(reversed(FILES.items()))
    assert littlefs.build(FILES, SIZE_BYTES) == littlefs.build(backwards, SIZE_BYTES)


def test_images_are_of_the_version_that_every_micropython_mounts() -> None:
    image = littlefs.build(FILES, SIZE_BYTES)
    assert image[8:16] == b"littlefs"
    assert image[20:24] == (0x00020000).to_bytes(4, "little")


def test_a_smaller_file_system_in_a_larger_partition_is_read() -> None:
    image = littlefs.build(FILES, SIZE_BYTES)
    assert littlefs.read(image + b"\xff" * SIZE_BYTES) == FILES


def test_what_does_not_fit_is_refused_with_both_sizes() -> None:
    with pytest.raises(ImageError, match=r"\(70000 bytes\) do not fit a littlefs of 65536 bytes"):
        littlefs.build({"big": bytes(70_000)}, SIZE_BYTES)
    with pytest.raises(ImageError, match="do not fit"):
        littlefs.build({"n" * 300: b""}, SIZE_BYTES)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", "a/.", "a\0b", "x/" * 17 + "y"])
def test_a_bad_path_is_refused(path: str) -> None:
    with pytest.raises(ImageError, match="is no path for a file system"):
        littlefs.build({path: b""}, SIZE_BYTES)


@pytest.mark.parametrize("size_bytes", [0, 4096, 8191])
def test_a_partition_needs_two_whole_blocks(size_bytes: int) -> None:
    with pytest.raises(ImageError, match="at least 2 whole blocks"):
        littlefs.build({}, size_bytes)


def test_a_partition_tells_what_it_holds() -> None:
    fat = bytearray(4096)
    fat[510:512] = b"\x55\xaa"
    assert littlefs.kind_of(b"\xff" * 8192) is Kind.BLANK
    assert littlefs.kind_of(littlefs.build({}, SIZE_BYTES)) is Kind.LITTLEFS
    assert littlefs.kind_of(bytes(fat)) is Kind.FAT
    assert littlefs.kind_of(b"\0" * 8192) is Kind.UNKNOWN


@given(st.binary(max_size=9000))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="no readable littlefs"):
        littlefs.read(data)


def test_a_damaged_image_is_read_or_refused_but_never_crashes() -> None:
    source = random.Random(20261124)
    image = littlefs.build({f"lib/{n}.py": bytes([n]) * n * 200 for n in range(12)}, SIZE_BYTES)
    refused = 0
    for _ in range(120):
        data = bytearray(image)
        for _ in range(source.randint(1, 20)):
            # Half of the damage hits the two blocks that hold the root.
            at = source.randrange(0x6000) if source.random() < 0.5 else source.choice(_ROOTS)
            data[at] ^= 1 << source.randrange(8)
        try:
            littlefs.read(bytes(data))
        except ImageError:
            refused += 1
    assert 0 < refused < 120
