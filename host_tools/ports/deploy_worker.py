"""A worker that brings an application to one board and starts it."""

from pathlib import Path
from typing import Any

from cma_toolkit.host_tools.ports.deploy import deploy
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.ports.workers import Reporter, serve

MODULE = "cma_toolkit.host_tools.ports.deploy_worker"


def handle(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Copy `files` (path on the board → path here) to the board at `url` and restart it."""
    reporter.step("connect")
    with BoardSession(request["url"], wait_s=float(request["wait_s"])) as board:
        reporter.step("copy")
        files = {target: Path(path) for target, path in request["files"].items()}
        changed = deploy(board, files)
        reporter.step("start")
        board.soft_reset()
    return {"changed": changed}


if __name__ == "__main__":
    serve(handle)
