"""Why a board does not answer, told from what it said. Pure: bytes in, one sentence out."""

import re
from dataclasses import dataclass

from cma_toolkit.host_tools.errors import CmaError, no_device, refused

TEXT_PERMILLE_MIN = 800
_RESETS = re.compile(rb"rst:0x[0-9a-f]+")


@dataclass(frozen=True)
class Symptom:
    """Something a board prints and what it means."""

    pattern: re.Pattern[bytes]
    sentence: str
    code: int = 3


# In order: the first that is found explains best.
SYMPTOMS = (
    Symptom(
        re.compile(rb"Brownout detector"),
        "it browns out and restarts. Use a shorter cable or a stronger USB port.",
    ),
    Symptom(
        re.compile(rb"filesystem appears to be corrupted"),
        "its filesystem is damaged and MicroPython waits for ever. Run cma flash --erase --yes.",
        4,
    ),
    Symptom(
        re.compile(rb"invalid header: 0xffffffff"),
        "its flash is blank, so it restarts for ever. Run cma flash.",
        4,
    ),
    Symptom(
        re.compile(
            rb"invalid header|flash read err|No bootable app|csum err|ets_main\.c"
            rb"|load partition table error|Failed to verify partition table"
        ),
        "what is in its flash does not boot (boot loop). Run cma flash.",
        4,
    ),
    Symptom(
        re.compile(rb"waiting for download|\xc0\x01\x08"),
        "its ROM loader waits for a download. Press reset to start it, or run cma flash.",
    ),
    Symptom(
        re.compile(rb"Guru Meditation|abort\(\) was called"),
        "its firmware crashes while it starts. Run cma flash.",
        4,
    ),
)


def explain_silence(url: str, heard: bytes) -> CmaError:
    """Return the error for a board that gave no MicroPython prompt, from all that it printed."""
    for symptom in SYMPTOMS:
        if symptom.pattern.search(heard):
            return _error(url, symptom.sentence, symptom.code)
    if len(_RESETS.findall(heard)) > 1:
        return _error(url, "it restarts again and again (boot loop). Run cma flash.", 4)
    if not heard:
        return _error(
            url,
            "the board is silent. If it sleeps, add --wait 60 and press its reset button; "
            "if it is new, run cma flash.",
        )
    if not _is_text(heard):
        return _error(
            url,
            "it sends noise, as firmware at another baud rate does. Run cma flash to replace it.",
        )
    return _error(
        url, f"it prints but gives no MicroPython prompt ({_last_line(heard)}). Run cma flash."
    )


def _error(url: str, sentence: str, code: int = 3) -> CmaError:
    make = refused if code == 4 else no_device
    return make(f"{url}: no answer: {sentence}")


def _is_text(heard: bytes) -> bool:
    printable = sum(1 for byte in heard if byte in (9, 10, 13, 27) or 32 <= byte < 127)
    return printable * 1000 >= len(heard) * TEXT_PERMILLE_MIN


def _last_line(heard: bytes) -> str:
    lines = heard.decode("ascii", errors="replace").split("\n")
    text = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"last: {text[:60]!r}"
