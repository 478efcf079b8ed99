"""What a script on a board answered, between the two marks around it. Pure."""

import json
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, verify_failed

FRAME_BEGIN = b"\x02cma "
FRAME_END = b"\x03"


def split(output: bytes) -> tuple[bytes, Any]:
    """Return what the board printed before its answer, and the answer, () if there is none.

    Raises: ValueError for an answer that is no JSON of whole characters (the cable).
    """
    before, found, framed = output.partition(FRAME_BEGIN)
    if not found:
        return before, ()
    try:
        value = json.loads(framed.partition(FRAME_END)[0], parse_constant=_refuse)
        # Half a character, which JSON may spell, could neither be printed nor stored.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return before, value


def damaged() -> CmaError:
    """Make the error for an answer that has not the form that its script gives it."""
    return verify_failed("The board's answer is damaged. Check its cable and run this again.")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
