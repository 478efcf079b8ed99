"""A board in run mode, without a supervisor: its console to read, its requests to wait for."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import load_board
from cma_toolkit.sim.virtual_board.runtime.run_config import POWER_ON, RadioSettings, RunConfig
from cma_toolkit.sim.virtual_board.runtime.run_mode import Request, RunMode

PROMPT = b">>> "
RAW = b"raw REPL; CTRL-B to exit\r\n>"
_TIMEOUT_S = 20.0


class RunningBoard:
    """One board whose flash begins blank."""

    def __init__(self, folder: Path, mac: str = "a4:cf:12:00:00:04", board_id: str = "") -> None:
        self.folder = folder
        self.board = load_board(board_id or "esp32-devkitc")
        self.image = folder / f"{mac[-2:]}.bin"
        if not self.image.exists():
            self.image.write_bytes(b"\xff" * self.board.flash_size_bytes)
        self.config = RunConfig(
            name=mac[-2:],
            chip=self.board.chip,
            board=self.board,
            mac=mac,
            image=self.image,
            partitions=self.board.partitions,
            rtc=folder / f"{mac[-2:]}.rtc",
            radio=RadioSettings(folder / "air"),
        )
        self.output = bytearray()
        self.requests: list[Request] = []
        self.printed_at: dict[str, bytes] = {}  # by kind: its unread output at the last request
        self._news = asyncio.Event()
        self.mode: RunMode | None = None

    def boot(self, cause: int = POWER_ON, wake: int = 0) -> None:
        """Begin a boot, ending the last one."""
        self.kill()
        self.mode = RunMode(self.config, self._on_output, self._on_request)
        self.mode.start(cause, wake)

    def kill(self) -> None:
        """Take the power."""
        if self.mode:
            self.mode.kill()
            self.mode = None

    def type(self, data: bytes) -> None:
        """Type on its console."""
        assert self.mode
        self.mode.write(data)

    async def until(self, text: bytes) -> bytes:
        """Return what it prints up to and with this text."""
        await self._wait(lambda: text in self.output, f"{text!r}")
        end = self.output.index(text) + len(text)
        read = bytes(self.output[:end])
        del self.output[:end]
        return read

    async def request(self, kind: str) -> Request:
        """Return its next request of this kind."""
        await self._wait(lambda: any(each.kind == kind for each in self.requests), kind)
        found = next(each for each in self.requests if each.kind == kind)
        self.requests.remove(found)
        return found

    async def exec(self, code: str) -> str:
        """Run code through the raw REPL; return what it prints, or its traceback."""
        self.type(b"\r\x01")
        await self.until(RAW)
        self.type(code.encode() + b"\x04")
        await self.until(b"OK")
        text = (await self.until(b"\x04"))[:-1]
        error = (await self.until(b"\x04"))[:-1]
        self.type(b"\x02")
        await self.until(PROMPT)
        return (text + error).decode()

    async def _wait(self, is_met: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(_TIMEOUT_S):
            while not is_met():
                self._news.clear()
                try:
                    await self._news.wait()
                except asyncio.CancelledError:
                    raise AssertionError(f"no {what}; printed {bytes(self.output)!r}") from None

    def _on_output(self, data: bytes) -> None:
        self.output += data
        self._news.set()

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        self.printed_at[request.kind] = bytes(self.output)
        self._news.set()


@asynccontextmanager
async def boards(*macs: str, board_id: str = "") -> AsyncIterator[list[RunningBoard]]:
    """Give boards in one home, each at its prompt, and take them down."""
    with tempfile.TemporaryDirectory() as folder:
        made = [
            RunningBoard(Path(folder), mac, board_id) for mac in macs or ("a4:cf:12:00:00:04",)
        ]
        try:
            for board in made:
                board.boot()
            for board in made:
                await board.until(PROMPT)
            yield made
        finally:
            for board in made:
                board.kill()


def with_board(test: Callable[[RunningBoard], Awaitable[Any]], board_id: str = "") -> None:
    """Run a test on one board at its prompt."""

    async def run() -> None:
        async with boards(board_id=board_id) as (board,):
            await test(board)

    asyncio.run(run())
