"""Speak to the supervisor of virtual boards, and start it when it is wanted.

One request is one JSON line on the home's control socket, its answer another. A `Client` holds
no connection between calls: the supervisor outlives every client.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError
from cma_toolkit.sim.virtual_board.supervisor.home import (
    CONTROL_SOCKET,
    START_LOCK,
    SUPERVISOR_LOG,
    check_name,
    check_system,
    find_home,
    locked,
    socket_address,
    supervisor_lives,
)
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo, read_registry

SUPERVISOR_MODULE = "cma_toolkit.sim.virtual_board.supervisor.serve"
_START_TIMEOUT_S = 20.0
_ANSWER_TIMEOUT_S = 60.0
_LINE_BYTES_MAX = 1 << 20
Boards = list[BoardInfo]


class Client:
    """Create, plug in and torment the virtual boards of one home."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = find_home(home)

    def ensure_running(self) -> None:
        """Start the supervisor unless it runs.

        Raises: VirtualBoardError with the reason if it cannot start.
        """
        check_system()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if supervisor_lives(self.home):
            return
        with locked(self.home / START_LOCK):
            if not supervisor_lives(self.home):
                self._start_supervisor()

    def create(
        self,
        name: str,
        board_id: str,
        *,
        mac: str | None = None,
        content: str = "blank",
        start: bool = True,
        project: Path | None = None,
    ) -> BoardInfo:
        """Make a board and plug it in, unless told not to.

        `content` of its flash: one of `factory_flash.CONTENTS`. `project` is where a board
        definition of the user's own may lie.
        """
        check_name(name)
        self.ensure_running()
        return self._board(
            "create",
            name=name,
            board_id=board_id,
            mac=mac,
            content=content,
            start=start,
            project=str(project) if project else None,
        )

    def list(self) -> Boards:
        """Return all boards of the home; asks nobody if no supervisor runs."""
        return read_registry(self.home)

    def info(self, name: str) -> BoardInfo:
        """Return one board as it is now."""
        return self._board("info", name=name)

    def start(self, name: str) -> BoardInfo:
        """Plug the board in: it gets its endpoints and boots."""
        self.ensure_running()
        return self._board("start", name=name)

    def stop(self, name: str) -> BoardInfo:
        """Unplug the board: power and endpoints go."""
        return self._board("stop", name=name)

    def remove(self, name: str) -> None:
        """Unplug the board and delete its folder."""
        self.ensure_running()
        self._ask("remove", {"name": name})

    def press_reset(self, name: str) -> BoardInfo:
        """Press and release the EN button."""
        return self._board("reset", name=name)

    def enter_download(self, name: str) -> BoardInfo:
        """Press EN while the boot button is held: the board enters its ROM loader."""
        return self._board("download", name=name)

    def cut_power(
        self,
        name: str,
        after_flash_writes: int | None = None,
        torn_bytes: int | None = None,
    ) -> BoardInfo:
        """Take the power now, or in the `after_flash_writes`-th flash operation from now.

        `torn_bytes` of that operation reach the flash; without it none do.
        """
        return self._board(
            "cut_power", name=name, after_flash_writes=after_flash_writes, torn_bytes=torn_bytes
        )

    def restore_power(self, name: str) -> BoardInfo:
        """Give the power back: the board boots."""
        return self._board("restore_power", name=name)

    def set_battery(self, name: str, millivolts: int) -> BoardInfo:
        """Set the voltage that the board's battery divider sees."""
        return self._board("set_battery", name=name, battery_mv=millivolts)

    def set_range(
        self,
        name: str,
        position_m: tuple[float, float] | None = None,
        peers: Sequence[str] | None = None,
        range_m: float | None = None,
        loss_permille: int | None = None,
    ) -> BoardInfo:
        """Say whom the board's radio reaches: by place and range, or by the names of its peers."""
        return self._board(
            "set_range",
            name=name,
            position_m=position_m,
            peers=None if peers is None else [*peers],
            range_m=range_m,
            loss_permille=loss_permille,
        )

    def set_pin(self, name: str, pin: int, level: bool) -> BoardInfo:
        """Drive one input pin from outside."""
        return self._board("set_pin", name=name, pin=pin, level=level)

    def wait_for(
        self, name: str, event: str, timeout_s: float = 10.0, *, since: int | None = None
    ) -> dict[str, Any]:
        """Wait for an event of a board and return it.

        A state's name ("running", "rom", …) is met at once by a board that is in it. Every other
        event ("prompt", "boot", "power-cut", "deep-sleep", "led") must be new: later than number
        `since`, an `event_count` read before, or than this call.
        Raises: VirtualBoardError "timeout".
        """
        fields = {"name": name, "event": event, "timeout_s": timeout_s, "since": since}
        value: dict[str, Any] = self._ask("wait_for", fields, timeout_s + _ANSWER_TIMEOUT_S)
        return value

    def shutdown(self) -> None:
        """End the supervisor, and with it every board's process; return when it is gone."""
        try:
            with self._connect() as connection:
                connection.settimeout(_ANSWER_TIMEOUT_S)
                _send_line(connection, {"verb": "shutdown"})
                told = _read_line(connection)["value"]
            if not told:
                return  # a supervisor of another version: it ends, but does not say who it is
            process = os.pidfd_open(told["pid"])
        except (FileNotFoundError, ConnectionError, ProcessLookupError):
            return
        try:
            select.select([process], [], [], _ANSWER_TIMEOUT_S)
        finally:
            os.close(process)

    def _board(self, verb: str, **fields: object) -> BoardInfo:
        return BoardInfo.from_dict(self._ask(verb, fields))

    def _ask(
        self, verb: str, fields: dict[str, object], timeout_s: float = _ANSWER_TIMEOUT_S
    ) -> Any:
        check_system()
        try:
            connection = self._connect()
        except (FileNotFoundError, ConnectionError) as error:
            raise VirtualBoardError(
                "No virtual board is running: run cma virtual start NAME, or create one with "
                "cma virtual create NAME.",
                "no-device",
            ) from error
        with connection:
            connection.settimeout(timeout_s)
            _send_line(connection, {"verb": verb, **fields})
            answer = _read_line(connection)
        if not answer["ok"]:
            raise VirtualBoardError(answer["message"], answer["kind"])
        return answer["value"]

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with socket_address(self.home, CONTROL_SOCKET) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def _start_supervisor(self) -> None:
        ready, tell = os.pipe()
        log = (self.home / SUPERVISOR_LOG).open("ab")
        command = [sys.executable, "-m", SUPERVISOR_MODULE]
        arguments = ["--home", str(self.home), "--ready-fd", str(tell)]
        with log, os.fdopen(ready, "rb") as pipe:
            # It must outlive this process and its terminal; we hear of it by the pipe.
            child = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[tell],
                start_new_session=True,
                cwd="/",
            )
            os.close(tell)
            said = _read_until_closed(pipe.fileno(), _START_TIMEOUT_S)
        # The supervisor is a grandchild, so nobody here has to wait for its end.
        child.wait()
        if said.strip() == b"ready":
            return
        reason = said.decode(errors="replace").strip()
        raise VirtualBoardError(
            reason or f"The supervisor of the virtual boards did not start: read {log.name}."
        )


def _read_until_closed(descriptor: int, timeout_s: float) -> bytes:
    said = b""
    until = time.monotonic() + timeout_s
    while (left_s := until - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left_s)[0]:
            break
        chunk = os.read(descriptor, 4096)
        if not chunk:
            break
        said += chunk
    return said


def _send_line(connection: socket.socket, message: dict[str, object]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def _read_line(connection: socket.socket) -> dict[str, Any]:
    line = b""
    try:
        while not line.endswith(b"\n") and len(line) < _LINE_BYTES_MAX:
            chunk = connection.recv(65536)
            if not chunk:
                raise VirtualBoardError(
                    "The supervisor of the virtual boards ended: run cma virtual start --all.",
                    "no-device",
                )
            line += chunk
    except TimeoutError as error:
        raise VirtualBoardError(
            "The supervisor of the virtual boards does not answer: run cma virtual stop --all, "
            "then start the boards again.",
            "timeout",
        ) from error
    answer: dict[str, Any] = json.loads(line)
    return answer
