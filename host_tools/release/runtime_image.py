"""MicroPython in a release: the bytes of one build, in blocks and pages as boards check them.

Pure. A build is one of micropython.org's, such as ESP32_GENERIC_S3-SPIRAM_OCT: what runs on one
kind of board need not run on another of the same chip, so each is a class of its own.
"""

import uuid
from functools import lru_cache

from cma_toolkit.boards.flash_map import find
from cma_toolkit.boards.load import Board
from cma_toolkit.firmware.kernel.ports import Flash
from cma_toolkit.firmware.kernel.release import runtime_index
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES

PLACES = ("ota_0", "ota_1", "otadata")


class _Cells(Flash):
    """An image, under the port of the code that boards have."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, address: int, buffer: bytearray | memoryview) -> None:
        """Fill a buffer."""
        buffer[:] = self._data[address : address + len(buffer)]


def build_over_the_air(board: Board) -> str:
    """Return the build that a kind of board gets over the air, "" without places for it."""
    has_places = all(find(board.partitions, label) for label in PLACES)
    return board.micropython.image_name() if has_places else ""


def class_id(classes: uuid.UUID, build: str) -> bytes:
    """Return the class of boards that a build is for."""
    return uuid.uuid5(classes, f"micropython/{build}").bytes


def blocks(image: bytes) -> list[bytes]:
    """Return the blocks of an image."""
    return [image[at : at + BLOCK_BYTES] for at in range(0, len(image), BLOCK_BYTES)]


def pages(image: bytes) -> list[bytes]:
    """Return the pages of an image: the digests of its blocks."""
    count = runtime_index.page_count(len(image))
    return [
        bytes(runtime_index.page_of(_Cells(image), len(image), number)) for number in range(count)
    ]


def index(image: bytes) -> bytes:
    """Return the index of an image: the digests of its pages."""
    return runtime_index.index_of(_Cells(image), len(image))


@lru_cache(maxsize=16)
def digest(image: bytes) -> bytes:
    """Return the digest by which a manifest names an image."""
    return runtime_index.digest_of(_Cells(image), len(image))
