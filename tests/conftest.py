"""Options of the whole suite: `--port` runs the hardware-safe tests on a real board."""

import pytest
from hypothesis import settings

BOARD_FIXTURE = "board_url"

# A machine under load is slow, not wrong: no deadline per example. `make test` tries the same
# examples each time, so that it fails for a change only; `make soak` draws new ones.
settings.register_profile("test", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile("test")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--port`."""
    parser.addoption(
        "--port",
        metavar="PORT",
        help="run only the hardware-safe tests, on the board at this serial port",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--port`, keep the tests that talk to whichever board they are given."""
    if not config.getoption("--port"):
        return
    safe = [item for item in items if BOARD_FIXTURE in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in safe])
    items[:] = safe
