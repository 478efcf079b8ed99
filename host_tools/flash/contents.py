"""The bytes that every board of one kind gets, made from our firmware and a MicroPython image.

Reads our own firmware folder; touches no board.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.flash import consent, plan
from cma_toolkit.host_tools.flash.store import Facts
from cma_toolkit.host_tools.image import (
    app_image,
    build,
    littlefs,
    micropython,
    mpy,
    partition_table,
)
from cma_toolkit.host_tools.image.errors import ImageError

FIRMWARE = Path(__file__).parents[2] / "firmware"
ROOT_FILES = ("boot.py", "main.py")


def identify(data: bytes) -> Facts:
    """Return what a MicroPython image says about itself, having checked all of it.

    Raises: CmaError for an image that is truncated, damaged or no MicroPython.
    """
    try:
        chip = micropython.chip_of(data)
        parts = micropython.split(data, chip)
    except ImageError as error:
        raise refused(str(error)) from error
    if not parts.identity.is_micropython:
        raise refused(
            f"The image for {chip} is not MicroPython. Take one of micropython.org/download"
        )
    return Facts(chip, parts.identity.version)


def contents_for(board: Board, image: bytes) -> plan.Contents:
    """Return the images of all partitions that cma writes.

    Raises: CmaError for an image of another chip or a map that cannot be written.
    """
    try:
        parts = micropython.split(image, board.chip)
        bootloader = app_image.with_flash_size(parts.bootloader, board.flash_size_bytes)
        return plan.Contents(
            bootloader=bootloader,
            table=partition_table.to_bytes(board.partitions),
            app=parts.app,
            vfs=build_root(plan.find_part(board.partitions, "vfs").size_bytes),
            empty_user=build_user({}, plan.find_part(board.partitions, "user").size_bytes),
        )
    except ImageError as error:
        raise refused(str(error)) from error


def build_image(
    application: Mapping[str, bytes] | None = None,
    name: str = "",
    architecture: str = mpy.PORTABLE,
    *,
    plain: bool = False,
    on_making: Callable[[], None] | None = None,
) -> build.Image:
    """Compile kernel, drivers and an application into what boards run from.

    `on_making` is called before what takes seconds, as `build.build` says.
    Raises: ImageError.
    """
    return build.build(FIRMWARE, application, name, architecture, plain=plain, on_making=on_making)


def build_root(size_bytes: int) -> bytes:
    """Return the root file system."""
    return littlefs.build(root_files(), size_bytes)


def root_files() -> dict[str, bytes]:
    """Return the files of the root: boot.py, main.py, and how to know them again."""
    files = {name: (FIRMWARE / name).read_bytes() for name in ROOT_FILES}
    files[consent.MANIFEST] = json.dumps(consent.manifest_of(files)).encode()
    return files


def build_user(files: dict[str, bytes], size_bytes: int) -> bytes:
    """Return the user's file system.

    Raises: CmaError if the files do not fit.
    """
    try:
        return littlefs.build(files, size_bytes)
    except ImageError as error:
        raise refused(str(error)) from error
