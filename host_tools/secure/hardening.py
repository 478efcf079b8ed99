"""What eFuses would protect on a board, what each costs, and the command that burns them.

An eFuse is burnt once, for good. Encryption needs a MicroPython that was built for it: with a
stock one such a board would never start again, so it is explained and never burnt from here.

Input    a chip, and what espefuse tells of its eFuses
Effects  `burn` runs espefuse
Source   ESP-IDF, "Flash Encryption", "NVS Encryption" and "Secure Boot v2"; espefuse `summary`
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cma_toolkit.host_tools.errors import refused, timed_out, verify_failed

ESPEFUSE_S = 60
_NEWER = ("esp32s3", "esp32c3", "esp32c6")


@dataclass(frozen=True)
class Measure:
    """One thing that eFuses can do.

    Shape: `efuses` by name, with the value to burn; `is_stock` if a board with stock MicroPython
    starts afterwards.
    """

    name: str
    efuses: Mapping[str, str]
    stops: str
    costs: str
    is_stock: bool


def measures(chip: str) -> tuple[Measure, ...]:
    """Return what there is for a chip.

    Raises: CmaError 4 for a chip that we know nothing of.
    """
    if chip != "esp32" and chip not in _NEWER:
        raise refused(
            f'Nothing is known of the eFuses of "{chip}", only of those of the ESP32, ESP32-S3, '
            "ESP32-C3 and ESP32-C6: see docs/hardening.md."
        )
    is_newer = chip in _NEWER
    key = "BLOCK_KEY0" if is_newer else "BLOCK1"
    return (
        Measure(
            "jtag",
            {"DIS_PAD_JTAG": "1", "DIS_USB_JTAG": "1"} if is_newer else {"JTAG_DISABLE": "1"},
            "a debugger on the pins that reads keys out of the memory",
            "no debugger on this board, ever",
            is_stock=True,
        ),
        Measure(
            "download",
            {"ENABLE_SECURITY_DOWNLOAD": "1"} if is_newer else {"UART_DOWNLOAD_DIS": "1"},
            "esptool from reading the flash; MicroPython's prompt still does",
            "cma flash, adopt and restore no longer work here: this board is updated over the air "
            "only",
            is_stock=True,
        ),
        Measure(
            "flash-encryption",
            {key: "a key of its own, drawn by the chip"}
            | (
                {
                    "KEY_PURPOSE_0": "XTS_AES_128_KEY",
                    "SPI_BOOT_CRYPT_CNT": "7",
                    "DIS_DOWNLOAD_MANUAL_ENCRYPT": "1",
                    "DIS_DOWNLOAD_ICACHE": "1",
                }
                if is_newer
                else {"FLASH_CRYPT_CONFIG": "0xF", "FLASH_CRYPT_CNT": "127"}
            ),
            "whoever takes the flash off the board and reads it",
            "a MicroPython of your own build with its bootloader; whatever is not encrypted in "
            "flash is garbage from then on, so that a stock board never starts again; writes take "
            "longer, and deltas must be made on the board",
            is_stock=False,
        ),
        Measure(
            "nvs-encryption",
            {"BLOCK_KEY1": "a key of its own", "KEY_PURPOSE_1": "HMAC_UP"} if is_newer else {},
            "reading keys and passwords out of NVS",
            "a MicroPython of your own build; all that is in NVS is erased, so that the board is "
            "provisioned and enrolled anew"
            + ("" if is_newer else "; flash encryption first, which keeps its keys"),
            is_stock=False,
        ),
    )


def state(chip: str, where: Sequence[str]) -> dict[str, str]:
    """Return each eFuse's value, as espefuse reads it.

    Shape: `where` are espefuse's options that name the port.
    Raises: CmaError 4 if it cannot be read, 7 if that does not end.
    """
    found = _espefuse(chip, where, "summary", "--format", "json")
    text = found.stdout[found.stdout.find("{") :]
    try:
        read = json.loads(text) if found.returncode == 0 else {}
        values = {name: str(fields["value"]) for name, fields in read.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        values = {}
    if not values:
        raise refused(f"The eFuses cannot be read ({_last_line(found)}). Check the cable.")
    return values


def burn(chip: str, where: Sequence[str], measure: Measure) -> None:
    """Burn the eFuses of a measure, for good, and read them back.

    Raises: CmaError 4 for a measure that a stock board does not survive, or if espefuse refuses;
    5 if they read back otherwise.
    """
    if not measure.is_stock:
        raise refused(
            f"{measure.name} is never burnt from here: with stock MicroPython the board would "
            "not start again. docs/hardening.md has the steps, with a build of your own."
        )
    words = [word for pair in measure.efuses.items() for word in pair]
    done = _espefuse(chip, (*where, "--do-not-confirm"), "burn-efuse", *words)
    if done.returncode:
        raise refused(f"espefuse ended early ({_last_line(done)}). Look with: espefuse summary")
    after = state(chip, where)
    wrong = [name for name in measure.efuses if after.get(name) != "True"]
    if wrong:
        raise verify_failed(f"{', '.join(wrong)} read back unburnt. Look with: espefuse summary")


def _espefuse(chip: str, where: Sequence[str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "espefuse", "--chip", chip, *where, *words]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=ESPEFUSE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise timed_out(
            f"espefuse did not end within {ESPEFUSE_S} s. Check the cable, and look with: "
            "espefuse summary"
        ) from None


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    lines = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
    return lines[-1].strip()
