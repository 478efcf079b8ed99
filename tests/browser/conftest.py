"""One browser and one run for all tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.report.page import write_page
from support import reported
from support.chromium import Browser

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless browser."""
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def recording() -> dict[str, Any]:
    """Record a run with faults, a power cut, errors and hostile texts."""
    return reported.run()[1].recording()


@pytest.fixture(scope="module")
def write(recording: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Give a function that writes the page of the run, or of another recording."""

    def write(other: dict[str, Any] | None = None, problem: str = "") -> Path:
        path = tmp_path_factory.mktemp("report") / "out.html"
        facts = {"seed": "7", "commit": "<b>abc</b>"}
        write_page(path, other or recording, title="A <i>field</i>", facts=facts, problem=problem)
        return path

    return write
