"""A worker that asks one board what it is, and lets it run on."""

from typing import Any

from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.ports.workers import Reporter, serve

MODULE = "cma_toolkit.host_tools.ports.probe_worker"


def handle(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Return the reply of `on_device/probe.py` from the board at `url`."""
    reporter.step("connect")
    wait_s, connect_s = float(request["wait_s"]), float(request["connect_s"])
    with BoardSession(request["url"], wait_s=wait_s, connect_s=connect_s) as board:
        reporter.step("ask")
        reply: dict[str, Any] = board.run_script("probe")
        return reply


if __name__ == "__main__":
    serve(handle)
