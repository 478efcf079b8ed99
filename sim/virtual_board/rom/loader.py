"""The ROM loader of a chip, and the stub that a flashing tool puts in its place.

Input    feed(data): bytes from the host in any pieces
Returns  the bytes that the chip answers
Effects  the flash is read and written; `take_run_request()` says when the loader was left
Bounds   one frame, one download and one read at a time; answers end soon after 512 KiB
Raises   PowerCut, if the flash's fault says so; nothing else, whatever the bytes are
Source   esptool documentation, "Serial Protocol"

The stub that a tool uploads is thrown away: starting one switches to our own stub mode, which
knows the commands from D0 on, has two status bytes instead of four, and erases as it writes.
"""

import hashlib
import struct
from collections.abc import Callable

from cma_toolkit.sim.virtual_board.boot.image import checksum
from cma_toolkit.sim.virtual_board.rom.chips import ChipModel
from cma_toolkit.sim.virtual_board.rom.commands import (
    FROM_HOST,
    REQUEST,
    Command,
    Refusal,
    Reply,
    RequestError,
    response,
    words,
)
from cma_toolkit.sim.virtual_board.rom.commands_flash import (
    DeflatedDownload,
    Download,
    FlashRead,
    PlainDownload,
)
from cma_toolkit.sim.virtual_board.rom.nor_flash import SECTOR_BYTES, NorFlash
from cma_toolkit.sim.virtual_board.rom.registers import Registers
from cma_toolkit.sim.virtual_board.rom.slip import FrameReader

SYNC_VALUE = 0x20120707
SYNC_REPLIES = 8
SLOW_READ_BYTES = 64
DATA_HEADER_BYTES = 16
ACKNOWLEDGE_BYTES = 4
ANSWER_BYTES_MAX = 0x80000
STUB_GREETING = b"OHAI"
_STAY = 1

Handler = Callable[[bytes, int], Reply]


class RomLoader:
    """One chip in download mode, waiting for a flashing tool."""

    def __init__(self, chip: ChipModel, flash: NorFlash, mac: bytes) -> None:
        self._chip = chip
        self.flash = flash
        self._mac = mac
        self._both, self._rom_only, self._stub_only = self._handlers()
        self.reset()

    def reset(self) -> None:
        """Begin again in ROM mode, as after a reset; the flash stays as it is."""
        self._registers = Registers(self._chip, self.flash.size_bytes, self._mac)
        self._frames = FrameReader()
        self._download: Download | None = None
        self._read: FlashRead | None = None
        self._ram_bytes = 0
        self._run_requested = False
        self.in_stub = False

    def feed(self, data: bytes) -> bytes:
        """Return the answers to all requests that end in these bytes."""
        answers = bytearray()
        arriving = self._frames
        for frame in arriving.feed(data):
            # A chip does not listen while it speaks: what comes meanwhile overruns its buffer.
            if self._run_requested or len(answers) >= ANSWER_BYTES_MAX:
                break
            answers += self._answer(frame)
        self._frames = arriving  # a request that resets does not cut the one that follows it
        return bytes(answers)

    def take_run_request(self) -> bool:
        """Tell, once, that the host has left the loader and wants the flash to boot."""
        requested, self._run_requested = self._run_requested, False
        return requested

    def _answer(self, frame: bytes) -> bytes:
        if self._read and len(frame) == ACKNOWLEDGE_BYTES:
            return self._go_on_reading(frame).to_bytes(Command.READ_FLASH, stub=True)
        if len(frame) < REQUEST.size or frame[0] != FROM_HOST:
            return b""
        _, command, size_bytes, given_checksum = REQUEST.unpack_from(frame)
        data = frame[REQUEST.size :]
        # The reply to a command that switches modes has the shape of the mode it was sent in.
        stub = self.in_stub
        self._read = None
        try:
            if size_bytes != len(data):
                raise RequestError(Refusal.BAD_LENGTH)
            return self._handler(command)(data, given_checksum).to_bytes(command, stub)
        except RequestError as error:
            return response(command, error.refusal.status(stub))

    def _handler(self, command: int) -> Handler:
        special = self._stub_only if self.in_stub else self._rom_only
        handler = special.get(command) or self._both.get(command)
        if handler is None:
            raise RequestError(Refusal.UNKNOWN_COMMAND)
        return handler

    def _handlers(self) -> tuple[dict[int, Handler], dict[int, Handler], dict[int, Handler]]:
        both: dict[int, Handler] = {
            Command.SYNC: self._sync,
            Command.READ_REG: self._read_register,
            Command.WRITE_REG: self._write_registers,
            Command.MEM_BEGIN: self._begin_ram,
            Command.MEM_DATA: self._take_ram,
            Command.MEM_END: self._run_ram,
            Command.FLASH_BEGIN: self._begin_flash,
            Command.FLASH_DATA: self._take_flash,
            Command.FLASH_END: self._end_flash,
            Command.FLASH_DEFL_BEGIN: self._begin_deflated,
            Command.FLASH_DEFL_DATA: self._take_flash,
            Command.FLASH_DEFL_END: self._end_flash,
            Command.SPI_FLASH_MD5: self._digest,
            Command.SPI_SET_PARAMS: self._agree,
            Command.SPI_ATTACH: self._agree,
            Command.CHANGE_BAUDRATE: self._agree,
        }
        if self._chip.answers_security_info:
            both[Command.GET_SECURITY_INFO] = self._security_info
        rom_only: dict[int, Handler] = {Command.READ_FLASH_SLOW: self._read_slowly}
        stub_only: dict[int, Handler] = {
            Command.ERASE_FLASH: self._erase_all,
            Command.ERASE_REGION: self._erase_region,
            Command.READ_FLASH: self._begin_reading,
            Command.RUN_USER_CODE: self._run_user_code,
        }
        return both, rom_only, stub_only

    # The chip.

    def _agree(self, data: bytes, given: int) -> Reply:
        return Reply()

    def _sync(self, data: bytes, given: int) -> Reply:
        # The zero tells a tool that its stub still runs.
        return Reply(value=0 if self.in_stub else SYNC_VALUE, copies=SYNC_REPLIES)

    def _read_register(self, data: bytes, given: int) -> Reply:
        (address,) = words(data, 1)
        return Reply(value=self._registers.read(address))

    def _write_registers(self, data: bytes, given: int) -> Reply:
        words(data, 4)
        for address, value, mask, _ in struct.iter_unpack("<4I", data[: len(data) // 16 * 16]):
            self._registers.write(address, value, mask)
        return Reply()

    def _security_info(self, data: bytes, given: int) -> Reply:
        # No security feature is on: flags, crypt count and key purposes are zero.
        return Reply(data=struct.pack("<IB7xII", 0, 0, self._chip.image_chip_id, 0))

    # Memory: what is uploaded is only counted.

    def _begin_ram(self, data: bytes, given: int) -> Reply:
        words(data, 4)
        self._ram_bytes = 0
        return Reply()

    def _take_ram(self, data: bytes, given: int) -> Reply:
        self._ram_bytes += len(_payload(data, given))
        return Reply()

    def _run_ram(self, data: bytes, given: int) -> Reply:
        _, entry = words(data, 2)
        if not entry:
            return Reply()
        if not self._ram_bytes:
            raise RequestError(Refusal.NOTHING_TO_RUN)
        self.in_stub = True
        self._download = None
        return Reply(frames=(STUB_GREETING,))

    # Flash, written.

    def _begin_flash(self, data: bytes, given: int) -> Reply:
        self._download = self._begin(data)
        return Reply()

    def _begin_deflated(self, data: bytes, given: int) -> Reply:
        self._download = DeflatedDownload(self._begin(data, deflated=True))
        return Reply()

    def _begin(self, data: bytes, deflated: bool = False) -> PlainDownload:
        self._download = None
        erase_bytes, block_count, block_bytes, offset = words(data, 4)
        size_bytes = erase_bytes
        if not self.in_stub and not deflated:
            # The ROM counts blocks: the padding of the last one reaches flash, inside its sector.
            size_bytes = min(
                block_count * block_bytes, -(-erase_bytes // SECTOR_BYTES) * SECTOR_BYTES
            )
        return PlainDownload(
            self.flash, offset, size_bytes, erase_bytes=erase_bytes, lazily=self.in_stub
        )

    def _take_flash(self, data: bytes, given: int) -> Reply:
        payload = _payload(data, given)
        if self._download is None:
            raise RequestError(Refusal.NOT_WRITING)
        self._download.take(payload)
        return Reply()

    def _end_flash(self, data: bytes, given: int) -> Reply:
        (mode,) = words(data, 1)
        download, self._download = self._download, None
        if not self.in_stub:
            self._run_requested = True
            return Reply()
        if download is None:
            raise RequestError(Refusal.NOT_WRITING)
        if download.left_bytes:
            raise RequestError(Refusal.TOO_LITTLE_DATA)
        if mode != _STAY:
            # A software reset keeps the strapping of the last real one: the ROM loader again.
            self.reset()
        return Reply()

    def _erase_all(self, data: bytes, given: int) -> Reply:
        self.flash.erase(0, self.flash.size_bytes)
        return Reply()

    def _erase_region(self, data: bytes, given: int) -> Reply:
        offset, size_bytes = words(data, 2)
        if offset % SECTOR_BYTES or size_bytes % SECTOR_BYTES:
            raise RequestError(Refusal.BAD_BLOCK_SIZE)
        self._check_range(offset, size_bytes)
        self.flash.erase(offset, size_bytes)
        return Reply()

    # Flash, read.

    def _digest(self, data: bytes, given: int) -> Reply:
        offset, size_bytes = words(data, 2)
        self._check_range(offset, size_bytes)
        digest = hashlib.md5(self.flash.read(offset, size_bytes))
        return Reply(data=digest.digest() if self.in_stub else digest.hexdigest().encode())

    def _read_slowly(self, data: bytes, given: int) -> Reply:
        offset, size_bytes = words(data, 2)
        if size_bytes > SLOW_READ_BYTES:
            raise RequestError(Refusal.TOO_LITTLE_DATA)
        self._check_range(offset, size_bytes)
        return Reply(data=self.flash.read(offset, size_bytes).ljust(SLOW_READ_BYTES, b"\0"))

    def _begin_reading(self, data: bytes, given: int) -> Reply:
        offset, size_bytes, block_bytes, blocks_ahead = words(data, 4)
        self._read = FlashRead(
            self.flash, offset, size_bytes, block_bytes=block_bytes, blocks_ahead=blocks_ahead
        )
        return Reply(frames=self._read_frames(self._read))

    def _go_on_reading(self, frame: bytes) -> Reply:
        assert self._read
        self._read.acknowledge(int.from_bytes(frame, "little"))
        return Reply(frames=self._read_frames(self._read), silent=True)

    def _read_frames(self, read: FlashRead) -> tuple[bytes, ...]:
        frames = read.take_frames()
        if read.done:
            self._read = None
        return frames

    def _run_user_code(self, data: bytes, given: int) -> Reply:
        self._run_requested = True
        return Reply(silent=True)

    def _check_range(self, offset: int, size_bytes: int) -> None:
        if offset + size_bytes > self.flash.size_bytes:
            raise RequestError(Refusal.OUT_OF_RANGE)


def _payload(data: bytes, given_checksum: int) -> bytes:
    """Return what a data command carries, if its length and checksum are right."""
    (size_bytes,) = words(data, 1)
    payload = data[DATA_HEADER_BYTES:]
    if len(data) < DATA_HEADER_BYTES or size_bytes != len(payload):
        raise RequestError(Refusal.BAD_LENGTH)
    if checksum(payload) != given_checksum:
        raise RequestError(Refusal.BAD_CHECKSUM)
    return payload
