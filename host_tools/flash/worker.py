"""The process that works on one board: `python -m cma_toolkit.host_tools.flash.worker`."""

from typing import Any

from cma_toolkit.host_tools.flash.backup_job import (
    BackupRequest,
    RestoreRequest,
    back_up,
    restore,
    survey_board,
)
from cma_toolkit.host_tools.flash.flash_job import FlashRequest, flash
from cma_toolkit.host_tools.ports.workers import Reporter, serve


def handle(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Do the one operation that the request names."""
    operation = request.pop("operation")
    if operation == "flash":
        return flash(FlashRequest(**request), reporter)
    if operation == "restore":
        return restore(RestoreRequest(**request), reporter)
    if operation == "survey":
        return survey_board(BackupRequest(**request), reporter)
    return back_up(BackupRequest(**request), reporter)


if __name__ == "__main__":
    serve(handle)
