"""At what times of the day boards may update: `22:00-05:00`, in this computer's time zone.

Pure.
"""

import re
import time
from collections.abc import Sequence

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def parse(text: str) -> tuple[int, int]:
    """Return begin and end of a window in minutes of the day; the end may be on the next day.

    Raises: ValueError with what was expected.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no span of a day: write it as 22:00-05:00')
    begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if begin == end:
        raise ValueError(f'"{text}" ends when it begins: write it as 22:00-05:00')
    return begin, end


def is_open(windows: Sequence[str], now_s: int) -> bool:
    """Tell whether an instant is within one of some windows; without any it always is."""
    local = time.localtime(now_s)
    minute = local.tm_hour * 60 + local.tm_min
    return not windows or any(_has(*parse(text), minute) for text in windows)


def _has(begin: int, end: int, minute: int) -> bool:
    return begin <= minute < end if begin < end else minute >= begin or minute < end
