"""Write a recording as one page that needs nothing else, not even a network; for CPython only.

The data goes in as zlib-compressed JSON in base64: no text of an application can end a script, and
a thousand agents fit a file that can be mailed.
"""

import base64
import html
import json
import re
import zlib
from pathlib import Path
from typing import Any

_WEB = Path(__file__).with_name("web")
_SCRIPTS = ("format.js", "theme.js", "map.js", "charts.js", "life.js", "table.js", "main.js")


def write_page(
    path: Path, recording: dict[str, Any], *, title: str, facts: dict[str, str], problem: str = ""
) -> None:
    """Write the page; `facts` are shown under the title and `problem` says what did not hold.

    Raises: OSError if the file cannot be written.
    """
    path.write_text(render(recording, title=title, facts=facts, problem=problem), "utf-8")


def render(
    recording: dict[str, Any], *, title: str, facts: dict[str, str], problem: str = ""
) -> str:
    """Return the page."""
    data = {**recording, "title": title, "facts": facts, "problem": problem}
    packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)
    parts = {
        "title": html.escape(title),
        "style": _read("style.css"),
        "data": base64.b64encode(packed).decode(),
        "script": "\n".join(_read(name) for name in _SCRIPTS),
    }
    return re.sub(r"{{(\w+)}}", lambda mark: parts[mark[1]], _read("page.html"))


def _read(name: str) -> str:
    return (_WEB / name).read_text("utf-8")
