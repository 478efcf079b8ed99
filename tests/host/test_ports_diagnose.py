"""Why there is no prompt, told from what the board printed."""

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.diagnose import explain_silence

# Source: what ESP32 ROM loaders and ESP-IDF print on their UART.
DOWNLOAD = b"rst:0x1 (POWERON),boot:0x7 (DOWNLOAD(USB/UART0))\r\nwaiting for download\r\n"
BLANK = b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\ninvalid header: 0xffffffff\r\n" * 3
BROKEN = b"rst:0x3 (SW_RESET)\r\nE (42) esp_image: invalid header\r\nE boot: No bootable app\r\n"
BROWNOUT = b"\r\nBrownout detector was triggered\r\n\r\nrst:0xc (SW_CPU_RESET)\r\n"
PANIC = b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited).\r\nRebooting...\r\n"
LOOP = b"ets Jul 29 2019 12:21:46\r\nrst:0xc (SW_CPU_RESET),boot:0x13\r\nhello\r\n" * 2
CORRUPTED = b"The filesystem appears to be corrupted. If you had important data there,\r\n"
ROM_ANSWER = b"\xc0\x01\x08\x04\x00\x07\x07\x12\x20\x00\x00\x00\x00\xc0"

NO_DEVICE, REFUSED = ExitCode.NO_DEVICE, ExitCode.REFUSED


@pytest.mark.parametrize(
    ("heard", "says", "code"),
    [
        (b"", "--wait 60", NO_DEVICE),
        (DOWNLOAD, "ROM loader waits", NO_DEVICE),
        (ROM_ANSWER, "ROM loader waits", NO_DEVICE),
        (BLANK, "flash is blank", REFUSED),
        (BROKEN, "boot loop", REFUSED),
        (BROWNOUT, "browns out", NO_DEVICE),
        (PANIC, "crashes while it starts", REFUSED),
        (LOOP, "again and again", REFUSED),
        (CORRUPTED, "filesystem is damaged", REFUSED),
        (bytes(range(128, 256)) * 4, "noise", NO_DEVICE),
        (b"temperature: 21.5\r\ntemperature: 21.6\r\n", "temperature: 21.6", NO_DEVICE),
    ],
)
def test_each_failure_has_its_sentence(heard: bytes, says: str, code: ExitCode) -> None:
    error = explain_silence("/dev/ttyUSB0", heard)
    assert says in error.message
    assert error.code == code
    assert error.message.startswith("/dev/ttyUSB0: ")
    assert "\n" not in error.message
