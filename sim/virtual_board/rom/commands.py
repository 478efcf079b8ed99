"""The words of the serial protocol: commands, errors and the shape of a reply.

Source   esptool documentation, "Serial Protocol"; the error table that esptool prints from
"""

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum

from cma_toolkit.sim.virtual_board.rom import slip

REQUEST = struct.Struct("<BBHI")
STATUS_BYTES_ROM = 4
STATUS_BYTES_STUB = 2
FROM_HOST = 0
FROM_CHIP = 1


class Command(IntEnum):
    """What a host may ask; from D0 on only the stub answers."""

    FLASH_BEGIN = 0x02
    FLASH_DATA = 0x03
    FLASH_END = 0x04
    MEM_BEGIN = 0x05
    MEM_END = 0x06
    MEM_DATA = 0x07
    SYNC = 0x08
    WRITE_REG = 0x09
    READ_REG = 0x0A
    SPI_SET_PARAMS = 0x0B
    SPI_ATTACH = 0x0D
    READ_FLASH_SLOW = 0x0E
    CHANGE_BAUDRATE = 0x0F
    FLASH_DEFL_BEGIN = 0x10
    FLASH_DEFL_DATA = 0x11
    FLASH_DEFL_END = 0x12
    SPI_FLASH_MD5 = 0x13
    GET_SECURITY_INFO = 0x14
    ERASE_FLASH = 0xD0
    ERASE_REGION = 0xD1
    READ_FLASH = 0xD2
    RUN_USER_CODE = 0xD3


class Refusal(Enum):
    """What can be wrong with a request: (error of the ROM behind a 1, error of the stub)."""

    BAD_LENGTH = (0x05, 0xC0)
    BAD_CHECKSUM = (0x07, 0xC1)
    BAD_BLOCK_SIZE = (0x01, 0xC2)
    UNKNOWN_COMMAND = (0x05, 0xFF)
    OUT_OF_RANGE = (0x06, 0xC4)
    NOT_WRITING = (0x06, 0xC6)
    NOT_DEFLATED = (0x0B, 0xC7)
    TOO_LITTLE_DATA = (0x0A, 0xC8)
    TOO_MUCH_DATA = (0x08, 0xC9)
    NOTHING_TO_RUN = (0x0F, 0xC3)

    def status(self, stub: bool) -> bytes:
        """Return the status bytes that say so."""
        if stub:
            return bytes([self.value[1], 0])
        return bytes([1, self.value[0], 0, 0])


class RequestError(Exception):
    """Refuse one request (caused by the host)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request; `frames` follow it."""

    value: int = 0
    data: bytes = b""
    copies: int = 1
    frames: tuple[bytes, ...] = ()
    silent: bool = False

    def to_bytes(self, command: int, stub: bool) -> bytes:
        """Return what goes over the line."""
        status = bytes(STATUS_BYTES_STUB if stub else STATUS_BYTES_ROM)
        head = b"" if self.silent else response(command, self.data + status, self.value)
        return head * self.copies + b"".join(slip.encode(frame) for frame in self.frames)


def response(command: int, data: bytes, value: int = 0) -> bytes:
    """Return one response frame."""
    return slip.encode(REQUEST.pack(FROM_CHIP, command, len(data), value) + data)


def words(data: bytes, count: int) -> tuple[int, ...]:
    """Read the first words of a request; newer tools may send more than an older ROM reads.

    Raises: RequestError (the host) if there are fewer.
    """
    if len(data) < 4 * count:
        raise RequestError(Refusal.BAD_LENGTH)
    return struct.unpack_from(f"<{count}I", data)
