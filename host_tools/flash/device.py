"""One chip in its boot loader, driven by esptool as a library.

Runs in a worker process of its own: esptool keeps one logger and one configuration per process.
"""

import contextlib
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, no_device, refused, verify_failed

VIRTUAL = "virtual://"
RFC2217 = "rfc2217://"
# The classic circuit: reset low with IO0 high, then reset high with IO0 low. A virtual board acts
# on each change at once, so that only the host's own turn needs time.
VIRTUAL_DOWNLOAD = "D0|R1|D1|R0|W0.01|D0"
VIRTUAL_RESET = "D0|R1|W0.01|R0"
CHUNK_BYTES = 128 * 1024
READ_BYTES = 64 * 1024
BLANK_MD5 = md5(b"\xff" * READ_BYTES).hexdigest()
# An erase and a write of a whole chunk on a slow flash chip.
CHUNK_TIMEOUT_S = 6.0
ANSWER_TIMEOUT_S = 3.0
ROM_BAUD = 115_200

OnBytes = Callable[[int], None]
"""Hear how many more bytes are done."""


@dataclass(frozen=True)
class Chip:
    """What a chip says about itself before anything is written."""

    name: str
    mac: str
    flash_size_bytes: int
    locked_by: str = ""


class Device:
    """A connected chip whose stub loader runs."""

    def __init__(self, url: str, port: Any, baud: int, log: Callable[[str], None]) -> None:
        """Take over an open port. Say `log` what esptool says."""
        self._url = url
        if url.startswith(RFC2217):
            _keep_timeouts_here(port)
        self.port = port
        self._baud = baud
        self._esp: Any = None
        self.left = False
        _install_logger(log)

    def connect(self) -> Chip:
        """Reset into the boot loader, tell the chip, start the stub.

        Raises: CmaError if nothing answers. A chip that is locked is told, not started.
        """
        with self.translated("connect"):
            return self._connect()

    def _connect(self) -> Chip:
        import esptool
        from esptool import loader

        if self._url.startswith(VIRTUAL):
            loader.cfg["custom_reset_sequence"] = VIRTUAL_DOWNLOAD
            loader.cfg["custom_hard_reset_sequence"] = VIRTUAL_RESET
        rom = esptool.detect_chip(self.port, ROM_BAUD, connect_attempts=3)
        name = rom.CHIP_NAME.lower().replace("-", "")
        locked_by = _lock_of(rom)
        if locked_by:
            return Chip(name, "", 0, locked_by)
        mac = ":".join(f"{byte:02x}" for byte in rom.read_mac("BASE_MAC"))
        self._esp = esptool.run_stub(rom)
        esptool.attach_flash(self._esp)
        if self._baud > ROM_BAUD and not self._url.startswith(VIRTUAL):
            self._esp.change_baud(self._baud)
        size = esptool.detect_flash_size(self._esp)
        size_bytes = _size_bytes(size)
        if size_bytes:
            self._esp.flash_set_parameters(size_bytes)
        return Chip(name, mac, size_bytes)

    def read(self, offset: int, size: int, on_bytes: OnBytes = lambda count: None) -> bytes:
        """Return `size` bytes of flash; esptool checks the MD5 of each piece."""
        data = bytearray()
        with self.translated("read the flash"):
            while len(data) < size:
                piece = min(READ_BYTES, size - len(data))
                data += self._read_piece(offset + len(data), piece)
                on_bytes(piece)
        return bytes(data)

    def _read_piece(self, offset: int, size: int) -> bytes:
        # Half of most flashes is blank: asking the chip takes milliseconds, reading a second.
        if size == READ_BYTES and self.md5(offset, size) == BLANK_MD5:
            return b"\xff" * size
        return bytes(self._esp.read_flash(offset, size))

    def md5(self, offset: int, size: int) -> str:
        """Return the MD5 that the chip itself computes over its flash."""
        with self.translated("compare the flash"):
            return str(self._esp.flash_md5sum(offset, size)).lower()

    def write(self, offset: int, data: bytes, on_bytes: OnBytes) -> int:
        """Write what differs, piece by piece, and verify it.

        Returns: how many bytes were written. Equal pieces are skipped, so that a run that was cut
        short goes on where it stopped.
        Raises: CmaError if a piece reads back otherwise.
        """
        if self.md5(offset, len(data)) == md5(data).hexdigest():
            on_bytes(len(data))
            return 0
        written = 0
        for start in range(0, len(data), CHUNK_BYTES):
            piece = data[start : start + CHUNK_BYTES]
            written += self._write_piece(offset + start, piece)
            on_bytes(len(piece))
        return written

    def erase_all(self) -> None:
        """Erase the whole flash."""
        with self.translated("erase the flash"):
            self._esp.erase_flash()

    def verify(self, offset: int, data: bytes) -> None:
        """Compare the chip's own MD5 with what should lie there.

        Raises: CmaError with exit code 5.
        """
        if self.md5(offset, len(data)) != md5(data).hexdigest():
            raise self._differs(offset, len(data))

    def leave(self) -> None:
        """Reset the board so that it runs what lies in its flash."""
        self.left = True
        if self._esp is None:
            return
        with self.translated("reset the board"):
            self._esp.hard_reset()
            self.port.baudrate = ROM_BAUD

    def stay(self) -> None:
        """Let the chip wait in its loader for the next command instead of running its flash."""
        self.left = True

    def reopen(self) -> Any:
        """Open the port anew: a chip with native USB leaves the bus while it resets."""
        from cma_toolkit.host_tools.ports.serial_port import open_serial

        self.close()
        self.port = open_serial(self._url)
        return self.port

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):
            self.port.close()

    def _write_piece(self, offset: int, data: bytes) -> int:
        wanted = md5(data).hexdigest()
        if self.md5(offset, len(data)) == wanted:
            return 0
        padded = data + b"\xff" * (-len(data) % 4)
        with self.translated("write the flash"):
            self._send(offset, padded)
        if self.md5(offset, len(data)) != wanted:
            raise self._differs(offset, len(data))
        return len(data)

    def _differs(self, offset: int, size: int) -> CmaError:
        return verify_failed(
            f"{self._url}: {size} bytes at 0x{offset:x} read back otherwise than written. "
            "Run the command again; if it stays so, the flash chip is worn out."
        )

    def _send(self, offset: int, data: bytes) -> None:
        packed = zlib.compress(data, 9)
        timeout_s = max(ANSWER_TIMEOUT_S, CHUNK_TIMEOUT_S * len(data) / CHUNK_BYTES)
        block_bytes = self._esp.FLASH_WRITE_SIZE
        self._esp.flash_defl_begin(len(data), len(packed), offset)
        for sequence, start in enumerate(range(0, len(packed), block_bytes)):
            block = packed[start : start + block_bytes]
            self._esp.flash_defl_block(block, sequence, timeout=timeout_s)
        # The stub answers a block before it has written it; this answer comes after all of them.
        self._esp.flash_defl_finish(reboot=False, timeout=timeout_s)

    @contextlib.contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Turn what esptool and the port raise into one sentence for a person."""
        from esptool import FatalError
        from serial import SerialException

        try:
            yield
        except FatalError as error:
            raise self._sentence(doing, str(error)) from error
        except (SerialException, OSError) as error:
            raise self._gone(doing) from error

    def _sentence(self, doing: str, text: str) -> CmaError:
        if doing == "connect":
            return no_device(
                f"{self._url}: no ROM loader answers ({_first_line(text)}). Check that the cable "
                "carries data; hold BOOT while you press RESET, then run the command again."
            )
        if "result was" in text:  # the chip answered, and its answer was no
            return refused(f"{self._url}: could not {doing}: {_first_line(text)} Run it again.")
        return self._gone(doing)

    def _gone(self, doing: str) -> CmaError:
        return no_device(
            f"{self._url}: the board went away while cma tried to {doing}. Nothing is called "
            "done: plug it in and run the same command again, it goes on where it stopped."
        )


def open_device(url: str, baud: int, wait_s: float, log: Callable[[str], None]) -> Device:
    """Open the port, trying again for `wait_s` while it is absent."""
    from cma_toolkit.host_tools.ports.serial_port import open_serial

    give_up_at = time.monotonic() + wait_s
    while True:
        try:
            return Device(url, open_serial(url), baud, log)
        except CmaError:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.2)


def _keep_timeouts_here(port: Any) -> None:
    """Let a new read timeout of an RFC 2217 port cost nothing.

    pyserial tells the server all settings again at each one and sleeps 50 ms or more for every
    answer. The server never uses the timeout, and esptool sets it twice per command.
    """

    class Patient(type(port)):  # type: ignore[misc]
        """The same port; its timeout stays on this side."""

        @property
        def timeout(self) -> float | None:
            """Return the read timeout in seconds."""
            seconds: float | None = self._timeout
            return seconds

        @timeout.setter
        def timeout(self, seconds: float | None) -> None:
            """Set the read timeout for the reads to come."""
            self._timeout = seconds

    port.__class__ = Patient


def _lock_of(rom: Any) -> str:
    """Say which security feature would make what we write unreadable; empty if none."""
    if rom.secure_download_mode:
        return "secure download mode"
    if rom.get_flash_encryption_enabled():
        return "flash encryption"
    return "secure boot" if rom.get_secure_boot_enabled() else ""


def _size_bytes(size: str | None) -> int:
    from esptool.util import flash_size_bytes

    return int(flash_size_bytes(size) or 0)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].rstrip(".:") + "." if lines else "no reason given."


def _install_logger(say: Callable[[str], None]) -> None:
    from esptool.logger import EsptoolLogger, TemplateLogger

    class Quiet(TemplateLogger):  # type: ignore[misc]
        """Pass on warnings; what esptool tells of its steps our own events say better."""

        def print(self, *args: Any, **kwargs: Any) -> None:
            """Drop it."""

        def note(self, message: str) -> None:
            """Drop it."""

        def warning(self, message: str) -> None:
            """Pass it on."""
            say(str(message))

        def error(self, message: str) -> None:
            """Pass it on."""
            say(str(message))

        def stage(self, finish: bool = False) -> None:
            """Drop it."""

        def progress_bar(self, *args: Any, **kwargs: Any) -> None:
            """Drop it."""

        def set_verbosity(self, verbosity: str) -> None:
            """Drop it."""

    EsptoolLogger().set_logger(Quiet())
