"""All virtual boards of one home, in one process: what the control socket asks for, done here."""

import asyncio
import inspect
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.sim.virtual_board.board.air import AirFullError
from cma_toolkit.sim.virtual_board.board.board import VirtualBoard
from cma_toolkit.sim.virtual_board.board.radio_limits import (
    check_loss,
    check_position,
    check_range,
)
from cma_toolkit.sim.virtual_board.board.settings import AIR_FILE, FILE, Settings, choose_mac
from cma_toolkit.sim.virtual_board.boot.factory_flash import CONTENTS
from cma_toolkit.sim.virtual_board.endpoints.fast import FastServer
from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.pty import PtyWatcher
from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError, unknown_board
from cma_toolkit.sim.virtual_board.supervisor.home import check_name
from cma_toolkit.sim.virtual_board.supervisor.registry import STATES, write_registry

Answer = dict[str, Any] | None
_BOARDS_MAX = 512


class Supervisor:
    """Own the boards of a home; every method named `on_<verb>` serves one request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Path) -> None:
        self._loop = loop
        self._home = home
        self._boards: dict[str, VirtualBoard] = {}
        self._registry_due: asyncio.Handle | None = None
        self._ptys = PtyWatcher(loop)
        self._fast = FastServer(loop, home, self._find_line)
        self.ended = asyncio.Event()
        # Nothing is plugged in yet, so nobody is on the air.
        (home / AIR_FILE).unlink(missing_ok=True)
        for folder in sorted(home.iterdir()):
            if (folder / FILE).is_file():
                self._load(folder)
        self._write_registry()

    async def answer(self, verb: str, fields: dict[str, Any]) -> Answer:
        """Serve one request.

        Raises: VirtualBoardError for what a person can mend.
        """
        serve: Callable[..., Awaitable[Answer]] | None = getattr(self, f"on_{verb}", None)
        try:
            if serve is None:
                raise TypeError(f"no {verb!r}")
            inspect.signature(serve).bind(**fields)
        except TypeError as error:
            raise VirtualBoardError(
                f"The supervisor is of another version ({error}): run cma virtual stop --all, "
                "then try again.",
                "usage",
            ) from error
        return await serve(**fields)

    def close(self) -> None:
        """Unplug every board and close every socket."""
        for board in self._boards.values():
            self._unplug(board)
        if self._registry_due:
            self._registry_due.cancel()
        self._write_registry()
        self._fast.close()
        self._ptys.close()

    async def on_create(
        self,
        *,
        name: str,
        board_id: str,
        mac: str | None,
        content: str,
        start: bool,
        project: str | None,
    ) -> Answer:
        """Make a board with a blank flash, or one that was flashed before."""
        if content not in CONTENTS:
            raise VirtualBoardError(f"Its flash may be {', '.join(CONTENTS)}.", "usage")
        check_name(name)
        if name in self._boards:
            raise VirtualBoardError(
                f"There is a virtual board {name!r} already: choose another name, or remove it "
                f"with cma virtual remove {name}."
            )
        if len(self._boards) >= _BOARDS_MAX:
            raise VirtualBoardError(f"{_BOARDS_MAX} virtual boards are enough: remove some.")
        settings = Settings(name, board_id, self._mac(name, mac), project)
        folder = self._home / name
        if folder.exists():
            raise VirtualBoardError(
                f"{folder} exists, but holds no board that can be read: remove that folder, or "
                "choose another name."
            )
        board = self._make(settings, folder, content)
        if start:
            self._plug_in(board)
        return self._told(board)

    async def on_info(self, name: str) -> Answer:
        """Describe one board."""
        return self._board(name).info().to_dict()

    async def on_start(self, name: str) -> Answer:
        """Plug a board in."""
        board = self._board(name)
        if board.state == "off":
            self._plug_in(board)
        return self._told(board)

    async def on_stop(self, name: str) -> Answer:
        """Unplug a board."""
        board = self._board(name)
        self._unplug(board)
        return self._told(board)

    async def on_remove(self, name: str) -> Answer:
        """Unplug a board and delete its folder."""
        board = self._board(name)
        self._unplug(board)
        del self._boards[name]
        shutil.rmtree(self._home / name)
        self._write_registry()
        return None

    async def on_reset(self, name: str) -> Answer:
        """Press the EN button."""
        board = self._plugged(name)
        board.press_reset(download=False)
        return self._told(board)

    async def on_download(self, name: str) -> Answer:
        """Press the EN button while the boot button is held."""
        board = self._plugged(name)
        board.press_reset(download=True)
        return self._told(board)

    async def on_cut_power(
        self, name: str, after_flash_writes: int | None, torn_bytes: int | None
    ) -> Answer:
        """Take the power, now or within a later flash operation."""
        board = self._plugged(name)
        if after_flash_writes is None:
            board.cut_power()
        elif after_flash_writes < 1 or (torn_bytes or 0) < 0:
            raise VirtualBoardError(
                "Flash writes count from 1 and torn bytes from 0: give such numbers.", "usage"
            )
        else:
            board.arm_power_cut(after_flash_writes, torn_bytes)
        return self._told(board)

    async def on_restore_power(self, name: str) -> Answer:
        """Give the power back."""
        board = self._plugged(name)
        board.restore_power()
        return self._told(board)

    async def on_set_battery(self, name: str, battery_mv: int) -> Answer:
        """Set the battery's voltage."""
        if not 0 <= battery_mv <= 20_000:
            raise VirtualBoardError("A battery has 0 to 20000 mV: give such a number.", "usage")
        board = self._board(name)
        board.set_battery(battery_mv)
        return self._told(board)

    async def on_set_range(
        self,
        name: str,
        position_m: list[float] | None,
        peers: list[str] | None,
        range_m: float | None,
        loss_permille: int | None,
    ) -> Answer:
        """Set what the board's radio reaches."""
        board = self._board(name)
        changed: dict[str, Any] = {}
        if position_m is not None:
            changed["position_m"] = check_position(position_m)
        if range_m is not None:
            changed["range_m"] = check_range(range_m)
        if loss_permille is not None:
            changed["loss_permille"] = check_loss(loss_permille)
        if peers is not None:
            changed["peers"] = tuple(self._board(peer).settings.mac for peer in peers)
        for field, value in changed.items():
            setattr(board.settings, field, value)
        board.radio_changed()
        return self._told(board)

    async def on_set_pin(self, name: str, pin: int, level: bool) -> Answer:
        """Drive an input pin."""
        board = self._plugged(name)
        board.set_pin(pin, level)
        return self._told(board)

    async def on_wait_for(
        self, name: str, event: str, timeout_s: float, since: int | None
    ) -> Answer:
        """Wait for a state or an event."""
        board = self._board(name)
        if event in STATES and board.state == event:
            return {"number": board.events.count, "event": event}
        since = board.events.count if since is None else since
        try:
            return (await board.events.wait(event, since, timeout_s)).to_dict()
        except TimeoutError as error:
            raise VirtualBoardError(
                f"{name}: no {event!r} within {timeout_s:g} s; it is {board.state} now. "
                f"Read {self._home / name}/console.log for what it printed.",
                "timeout",
            ) from error

    async def on_shutdown(self) -> Answer:
        """End the supervisor, once its client has heard so."""
        self._loop.call_soon(self.ended.set)
        return {"pid": os.getpid()}

    def _make(self, settings: Settings, folder: Path, content: str) -> VirtualBoard:
        """Make a board's folder with its files; of a board that fails nothing is left."""
        try:
            folder.mkdir()
            settings.save(folder)
            board = self._add(settings)
            board.make_flash(content)
        except BaseException as error:
            self._boards.pop(settings.name, None)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, BoardFileError | ImageError):
                raise VirtualBoardError(str(error), "usage") from error
            if isinstance(error, OSError):
                raise VirtualBoardError(
                    f"The files of {settings.name} cannot be written ({error.strerror}): make "
                    f"room in {self._home}, then try again."
                ) from error
            raise
        return board

    def _add(self, settings: Settings) -> VirtualBoard:
        project = Path(settings.project) if settings.project else None
        board = VirtualBoard(
            self._loop,
            settings,
            board=load_board(settings.board_id, project),
            folder=self._home / settings.name,
            ptys=self._ptys,
            on_change=self._changed,
        )
        self._boards[settings.name] = board
        return board

    def _load(self, folder: Path) -> None:
        """Take up a board of an earlier supervisor; one that cannot be read is left alone."""
        try:
            self._add(Settings.load(folder))
        except (BoardFileError, ValueError, TypeError, KeyError) as error:
            print(f"{folder}: not a board: {error}", file=sys.stderr, flush=True)

    def _plug_in(self, board: VirtualBoard) -> None:
        try:
            board.plug_in()
        except BaseException as error:
            board.unplug()
            if isinstance(error, AirFullError):
                raise VirtualBoardError(
                    "Too many virtual boards were made since the supervisor started: run "
                    "cma virtual stop --all, then start those you need."
                ) from error
            raise

    def _unplug(self, board: VirtualBoard) -> None:
        self._fast.drop(board.settings.name)
        board.unplug()

    def _board(self, name: str) -> VirtualBoard:
        if name not in self._boards:
            raise unknown_board(name)
        return self._boards[name]

    def _plugged(self, name: str) -> VirtualBoard:
        board = self._board(name)
        if board.state == "off":
            raise VirtualBoardError(
                f"{name} is unplugged: run cma virtual start {name}.", "no-device"
            )
        return board

    def _find_line(self, name: str) -> Line | str:
        try:
            return self._plugged(name).line
        except VirtualBoardError as error:
            return error.message

    def _mac(self, name: str, wanted: str | None) -> str:
        taken = {board.settings.mac for board in self._boards.values()}
        if wanted is None:
            return choose_mac(name, taken)
        mac = wanted.lower()
        parts = mac.split(":")
        if len(parts) != 6 or any(len(part) != 2 for part in parts) or not _is_hex(mac):
            raise VirtualBoardError(f"{wanted!r} is no MAC: write aa:bb:cc:dd:ee:ff.", "usage")
        if mac in taken:
            raise VirtualBoardError(f"Another virtual board has the MAC {mac}: choose another.")
        return mac

    def _told(self, board: VirtualBoard) -> Answer:
        """Describe a board to its client, the registry already saying the same."""
        self._write_registry()
        return board.info().to_dict()

    def _changed(self) -> None:
        # Many changes in one turn of the loop are one write of the file.
        if self._registry_due is None:
            self._registry_due = self._loop.call_later(0.02, self._write_registry)

    def _write_registry(self) -> None:
        self._registry_due = None
        write_registry(self._home, [board.info() for board in self._boards.values()])


def _is_hex(mac: str) -> bool:
    return all(character in "0123456789abcdef:" for character in mac)
