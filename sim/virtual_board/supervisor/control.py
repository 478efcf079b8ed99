"""The control socket: JSON lines in, JSON lines out, one connection per client.

A request is `{"verb": …, fields…}`; its answer `{"ok": true, "value": …}` or
`{"ok": false, "kind": …, "message": …}`. Requests of one connection are served in order.
"""

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError
from cma_toolkit.sim.virtual_board.supervisor.home import (
    CONTROL_SOCKET,
    SUPERVISOR_LOG,
    socket_address,
)

_LINE_BYTES_MAX = 1 << 20
Serve = Callable[[str, dict[str, Any]], Awaitable[Any]]


class ControlServer:
    """Answer the clients of one home."""

    def __init__(self, home: Path, serve: Serve) -> None:
        self._home = home
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; a socket file that an earlier supervisor left behind is replaced."""
        path = self._home / CONTROL_SOCKET
        path.unlink(missing_ok=True)
        with socket_address(self._home, CONTROL_SOCKET) as address:
            self._server = await asyncio.start_unix_server(
                self._on_client, address, limit=_LINE_BYTES_MAX
            )

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        (self._home / CONTROL_SOCKET).unlink(missing_ok=True)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            # The client left, sent a line without end, or the supervisor ends.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            verb = request.pop("verb")
        except (ValueError, KeyError, AttributeError, TypeError):
            message = "Requests are JSON objects with a verb: send one such line."
            return {"ok": False, "kind": "usage", "message": message}
        try:
            return {"ok": True, "value": await self._serve(verb, request)}
        except VirtualBoardError as error:
            return {"ok": False, "kind": error.kind, "message": error.message}
        except Exception as error:  # noqa: BLE001 - told to the client; the other boards live on
            traceback.print_exception(error)
            return {"ok": False, "kind": "refused", "message": self._bug(verb, error)}

    def _bug(self, verb: object, error: Exception) -> str:
        return (
            f"The supervisor of the virtual boards failed at {verb!r} "
            f"({type(error).__name__}: {error}): report it with {self._home / SUPERVISOR_LOG}."
        )
