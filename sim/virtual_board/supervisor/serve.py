"""The supervisor's process: `python -m cma_toolkit…supervisor.serve [--home FOLDER]`.

`Client.ensure_running` starts it. It leaves its parent behind, lives until it is told to end or
gets SIGTERM or SIGINT, and takes every process it started with it.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from cma_toolkit.sim.virtual_board.supervisor.control import ControlServer
from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError
from cma_toolkit.sim.virtual_board.supervisor.home import (
    SUPERVISOR_LOCK,
    check_system,
    find_home,
    supervisor_lives,
    try_lock,
)

_HANDOVER_S = 5.0
_RETRY_S = 0.02


def main(arguments: list[str] | None = None) -> int:
    """Serve one home until told to end; returns the exit status."""
    parser = argparse.ArgumentParser(prog="cma_toolkit.sim.virtual_board.supervisor.serve")
    parser.add_argument("--home", type=Path, help="the folder of the virtual boards")
    parser.add_argument("--ready-fd", type=int, help="where to say that requests are served")
    options = parser.parse_args(arguments)
    try:
        check_system()
        home = find_home(options.home)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if options.ready_fd is not None and os.fork():
            os._exit(0)  # the client waits for us and must not have to wait for the boards
        _take_home(home)
        _check_runtime()
    except VirtualBoardError as error:
        _tell(options.ready_fd, error.message)
        return 1
    _raise_descriptor_limit()
    asyncio.run(_serve(home, options.ready_fd))
    return 0


def _take_home(home: Path) -> int:
    # A supervisor that was told to end holds the lock a little longer than its socket.
    deadline_s = time.monotonic() + _HANDOVER_S
    while (descriptor := try_lock(home / SUPERVISOR_LOCK)) is None:
        if supervisor_lives(home) or time.monotonic() >= deadline_s:
            raise VirtualBoardError(
                f"Another supervisor serves {home}: use it, or end it with cma virtual stop --all."
            )
        time.sleep(_RETRY_S)
    return descriptor


def _check_runtime() -> None:
    from cma_toolkit.sim.virtual_board.runtime.child import RuntimeMissingError, interpreter

    try:
        interpreter([])
    except RuntimeMissingError as error:
        raise VirtualBoardError(str(error)) from error


async def _serve(home: Path, ready_fd: int | None) -> None:
    from cma_toolkit.sim.virtual_board.supervisor.supervisor import Supervisor

    loop = asyncio.get_running_loop()
    supervisor = Supervisor(loop, home)
    control = ControlServer(home, supervisor.answer)
    await control.open()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.ended.set)
    _tell(ready_fd, "ready")
    try:
        await supervisor.ended.wait()
    finally:
        supervisor.close()
        control.close()


def _tell(ready_fd: int | None, text: str) -> None:
    if ready_fd is None:
        print(text, file=sys.stderr, flush=True)
        return
    with os.fdopen(ready_fd, "w") as pipe:
        pipe.write(text)


def _raise_descriptor_limit() -> None:
    # A board needs about eight descriptors; a shell's usual limit is 1,024.
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65536), hard))


if __name__ == "__main__":
    sys.exit(main())
