"""The registers that a flashing tool reads and writes, and the flash commands behind some of them.

Input    read(address), write(address, value, mask)
Bounds   SCRATCH_MAX written registers are remembered; further ones are forgotten at once
Source   the chips' technical reference manuals, "SPI Controller"; W25Q32JV datasheet, 8.2
"""

from cma_toolkit.sim.virtual_board.rom.chips import JEDEC_VENDOR, ChipModel, jedec_id

SCRATCH_MAX = 64
WORD = 0xFFFFFFFF
_RUN_USER_COMMAND = 1 << 18
_READ_ID = 0x9F
_READ_SFDP = 0x5A
_READ_STATUS = {0x05: 0, 0x35: 1, 0x15: 2}
_WRITE_STATUS = {0x01: 0, 0x31: 1, 0x11: 2}
_WRITE_ENABLE = (0x06, 0x50)
_SFDP = b"SFDP\x06\x01\x00\xff" + bytes([0x00, 0x06, 0x01, 0x10, 0x30, 0x00, 0x00, 0xFF])
_SFDP_VENDOR_AT = 0x10


class Registers:
    """One chip's registers, as its ROM loader shows them."""

    def __init__(self, chip: ChipModel, flash_size_bytes: int, mac: bytes) -> None:
        self._spi = chip.spi
        self._jedec_id = jedec_id(flash_size_bytes)
        self._fixed = chip.registers(mac)
        self._scratch: dict[int, int] = {}
        self._status = [0, 0, 0]
        self._write_enabled = False

    def read(self, address: int) -> int:
        """Return a register's value; unknown ones and "command running" read zero."""
        if address in self._fixed:
            return self._fixed[address]
        return self._scratch.get(address, 0)

    def write(self, address: int, value: int, mask: int = WORD) -> None:
        """Change the bits of the mask; fuses cannot be changed this way."""
        if address == self._spi.command:
            if value & mask & _RUN_USER_COMMAND:
                self._run_flash_command(self.read(self._spi.user2) & 0xFF)
            return
        if address in self._scratch or len(self._scratch) < SCRATCH_MAX:
            self._scratch[address] = (self.read(address) & ~mask | value & mask) & WORD

    def _run_flash_command(self, opcode: int) -> None:
        data = self.read(self._spi.data)
        if opcode == _READ_ID:
            self.write(self._spi.data, self._jedec_id)
        elif opcode == _READ_SFDP:
            address = self.read(self._spi.address) >> self._spi.address_shift
            self.write(self._spi.data, _sfdp_word(address))
        elif opcode in _READ_STATUS:
            self.write(self._spi.data, self._status[_READ_STATUS[opcode]])
        elif opcode in _WRITE_STATUS and self._write_enabled:
            index = _WRITE_STATUS[opcode]
            self._status[index] = data & 0xFF
            self._write_enabled = False
        elif opcode in _WRITE_ENABLE:
            self._write_enabled = True


def _sfdp_word(address: int) -> int:
    table = _SFDP.ljust(_SFDP_VENDOR_AT, b"\xff") + bytes([JEDEC_VENDOR])
    return int.from_bytes(table[address : address + 4].ljust(4, b"\xff"), "little")
