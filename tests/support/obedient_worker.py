"""A worker that does what its request says: for tests of the parent's side."""

import os
import time
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports.lock import this_command
from cma_toolkit.host_tools.ports.workers import Reporter, serve


def handle(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Tell some events, then end as asked."""
    print("a library talks", flush=True)
    reporter.step("write")
    for done in range(request.get("progress", 0)):
        reporter.progress(done + 1, request["progress"])
    reporter.note("half way")
    if request.get("crash"):
        raise RuntimeError("out of luck")
    if request.get("hang"):
        time.sleep(600)
    if code := request.get("code"):
        raise CmaError("the board is wet. Dry it.", ExitCode(code))
    return {"pid": os.getpid(), "command": this_command(), **request.get("value", {})}


if __name__ == "__main__":
    serve(handle)
