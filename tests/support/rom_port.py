"""A port with a ROM loader behind it, for esptool as a library and for hand-made requests."""

import struct
from pathlib import Path

from cma_toolkit.sim.virtual_board.boot.image import checksum
from cma_toolkit.sim.virtual_board.rom import slip
from cma_toolkit.sim.virtual_board.rom.chips import ChipModel
from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import NorFlash

MAC = bytes.fromhex("a4cf12010204")
FLASH_BYTES = 4 << 20


def make_loader(chip: ChipModel, folder: Path, size_bytes: int = FLASH_BYTES) -> RomLoader:
    """Return a loader over a blank flash."""
    return RomLoader(chip, NorFlash(folder / f"{chip.name}.bin", size_bytes), MAC)


def request(command: int, data: bytes = b"", given_checksum: int = 0) -> bytes:
    """Return a request as a host sends it."""
    return slip.encode(struct.pack("<BBHI", 0, command, len(data), given_checksum) + data)


def data_request(command: int, payload: bytes, sequence: int = 0) -> bytes:
    """Return a request that carries a block."""
    head = struct.pack("<IIII", len(payload), sequence, 0, 0)
    return request(command, head + payload, checksum(payload))


def frames(answer: bytes) -> list[bytes]:
    """Return the frames of an answer."""
    return slip.FrameReader().feed(answer)


def ask(loader: RomLoader, sent: bytes) -> tuple[int, bytes]:
    """Send one request; return the value and the data (with its status) of the one answer."""
    (frame,) = frames(loader.feed(sent))
    direction, command, size_bytes, value = struct.unpack_from("<BBHI", frame)
    assert direction == 1
    assert command == slip.FrameReader().feed(sent)[0][1]
    assert size_bytes == len(frame) - 8
    return value, frame[8:]


def enter_stub(loader: RomLoader) -> None:
    """Start the stub as a tool does: upload something and run it."""
    ask(loader, request(0x05, struct.pack("<IIII", 4, 1, 4, 0x40080000)))
    ask(loader, data_request(0x07, b"stub"))
    answer = loader.feed(request(0x06, struct.pack("<II", 0, 0x40080000)))
    assert frames(answer)[1:] == [b"OHAI"]


class RomPort:
    """What esptool needs of a pyserial port; it never waits, for the loader answers at once."""

    name = port = "rom:"
    baudrate = 115_200
    timeout: float | None = 3
    write_timeout: float | None = 10

    def __init__(self, loader: RomLoader) -> None:
        self._loader = loader
        self._waiting = b""

    def write(self, data: bytes) -> int:
        """Give bytes to the loader."""
        self._waiting += self._loader.feed(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Return what the loader answered."""
        data, self._waiting = self._waiting[:size], self._waiting[size:]
        return data

    def inWaiting(self) -> int:  # noqa: N802 - pyserial's name
        """Return how much can be read."""
        return len(self._waiting)

    def flushInput(self) -> None:  # noqa: N802 - pyserial's name
        """Forget what was not read."""
        self._waiting = b""

    def flushOutput(self) -> None:  # noqa: N802 - pyserial's name
        """Do nothing: nothing waits."""

    def close(self) -> None:
        """Do nothing."""
