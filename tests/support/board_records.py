"""Wait for what a virtual board's agent reports on its console."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.host_tools.ports.records import Record, RecordParser
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support import nvs_build
from support.flashed_board import make_flashed
from support.virtual import VirtualBoards

WITHIN_S = 60.0  # a whole update takes 10 s on an idle computer
_POLL_S = 0.02

Fields = dict[str, Any]


class AgentBoard:
    """One virtual board with our firmware and an application, and the records it prints."""

    def __init__(
        self,
        boards: VirtualBoards,
        name: str,
        app: str = "",
        settings: Mapping[str, Any] | None = None,
        *,
        board_id: str = "esp32-devkitc",
        currents: Mapping[str, int] | None = None,
        files: Mapping[str, bytes] | None = None,
        **texts: str,
    ) -> None:
        self.name = name
        self.client = boards.client
        user = {**(files or {}), **({"app.py": app.encode()} if app else {})}
        make_flashed(boards, name, board_id, user)
        self.client.stop(name)
        maps = {"settings": {"status_ms": 200, **(settings or {})}, "currents": currents or {}}
        self._write_nvs(maps, {"name": name, **texts})
        self._console = boards.home / name / "console.log"
        self.client.start(name)

    @property
    def info(self) -> BoardInfo:
        """Return what is known of the board now: after a stop its pty may be another board's."""
        return self.client.info(self.name)

    def _write_nvs(self, maps: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]) -> None:
        part = load_board(self.info.board_id).partition("nvs")
        entries = [nvs_build.blob("cma", key, value.encode()) for key, value in texts.items()]
        entries += [
            nvs_build.blob("cma", key, cbor.encode(dict(value))) for key, value in maps.items()
        ]
        self.write_flash(part.offset, nvs_build.build(entries, part.size_bytes))

    def write_flash(self, offset: int, data: bytes) -> None:
        """Overwrite a stretch of the flash of a board that is off."""
        with Path(self.info.image).open("r+b") as flash:
            flash.seek(offset)
            flash.write(data)

    def read_flash(self, offset: int, size_bytes: int) -> bytes:
        """Return a stretch of the flash."""
        with Path(self.info.image).open("rb") as flash:
            flash.seek(offset)
            return flash.read(size_bytes)

    def printed(self) -> str:
        """Return all that the board has printed but its records."""
        items = RecordParser().feed(self._console.read_bytes())
        return b"".join(item for item in items if isinstance(item, bytes)).decode(errors="replace")

    def records(self) -> list[Fields]:
        """Return every record so far."""
        items = RecordParser().feed(self._console.read_bytes())
        return [item.fields for item in items if isinstance(item, Record)]

    def mark(self) -> int:
        """Return how many records there are now."""
        return len(self.records())

    def wait(self, wanted: Callable[[Fields], object], since: int = 0) -> Fields:
        """Return the first record after `since` that is wanted; fail after WITHIN_S."""
        until_s = time.monotonic() + WITHIN_S
        while time.monotonic() < until_s:
            for fields in self.records()[since:]:
                if wanted(fields):
                    return fields
            time.sleep(_POLL_S)
        said = f"{self.printed()[-1500:]}\n{self.records()[-3:]}"
        raise AssertionError(f"{self.name} did not report it; it printed:\n{said}")

    def wait_event(self, event: str, since: int = 0) -> Fields:
        """Return the first event of that name."""
        return self.wait(lambda fields: fields.get("event") == event, since)

    def wait_app(self, what: str, since: int = 0) -> Any:
        """Return the value of the first `agent.report` of that name."""
        return self.wait(lambda fields: fields.get("what") == what, since)["value"]

    def wait_status(self, wanted: Callable[[Fields], object], since: int = 0) -> Fields:
        """Return the first status that is wanted."""
        return self.wait(lambda f: f["kind"] == "status" and wanted(f), since)
