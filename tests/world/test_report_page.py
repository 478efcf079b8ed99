"""A report is one file that needs nothing else, whatever an application said."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.report.page import render, write_page
from support import reported


@pytest.fixture(scope="module")
def recording() -> dict[str, Any]:
    return reported.run(200)[1].recording()


def _data(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="data"[^>]*>([^<]*)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return data


def test_all_of_the_recording_is_in_the_page(recording: dict[str, Any]) -> None:
    page = render(recording, title="Field", facts={"seed": "7"}, problem="agent-02 raised")
    wanted = {**recording, "title": "Field", "facts": {"seed": "7"}, "problem": "agent-02 raised"}
    assert _data(page) == json.loads(json.dumps(wanted))


def test_a_page_names_nothing_outside_itself(recording: dict[str, Any]) -> None:
    page = render(recording, title="Field", facts={})
    addresses = set(re.findall(r"(?:https?:|(?<![\w+/]))//[a-z][\w.]+", page))
    assert addresses <= {"http://www.w3.org"}  # the name of SVG, which nobody fetches
    assert not re.search(r"<(?:link|iframe|object)\b|\bsrc=|@import|url\(", page)
    assert "default-src 'none'" in page


def test_no_title_and_no_text_of_an_application_becomes_markup(recording: dict[str, Any]) -> None:
    title = "{{data}}</title><script>alert(1)</script>"
    page = render(recording, title=title, facts={"a": "</script>"}, problem="</script>")
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert page.count("{{data}}&lt;/title&gt;") == 2


def test_a_page_is_written_as_it_is_rendered(recording: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, recording, title="Fïeld", facts={})
    assert path.read_text("utf-8") == render(recording, title="Fïeld", facts={})


def test_a_page_that_cannot_be_written_says_so(recording: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_page(tmp_path / "missing/report.html", recording, title="", facts={})
