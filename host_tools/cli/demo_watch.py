"""What the demo sees of its boards: a live table of the records that their agents print."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from cma_toolkit.boards.load import list_boards
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.listen import Heard, Listeners
from cma_toolkit.host_tools.ports.records import Record, RecordParser

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("board", "chip", "boots", "near", "out", "in", "lost", "battery", "wakes", "now")
COUNTERS = ("sent", "received", "lost")
DRAW_EVERY_S = 0.25
LINE_EVERY_S = 3.0

CHIPS = {board.id: board.chip for board in list_boards()}


@dataclass
class BoardView:
    """The latest that one board told of itself."""

    label: str
    chip: str = ""
    boots: int = 0
    neighbours: int = 0
    sent: int = 0
    received: int = 0
    lost: int = 0
    battery_mv: int = 0
    wakes: int = 0
    restored: int = 0  # snapshots, each after a deep sleep
    sleeps: bool = False
    now: str = ""
    note: str = ""
    before: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def total(self, counter: str) -> int:
        """Return a counter over all boots that we heard of; each boot of the agent restarts it."""
        return self.before[counter] + int(getattr(self, counter))

    def on_record(self, record: dict[str, Any]) -> None:
        """Take over what a status record says, and how the board goes to sleep and comes back."""
        if record.get("kind") == "event":
            self._on_event(str(record.get("event")), record.get("value"))
        if record.get("kind") != "status":
            return
        if any((record.get(key) or 0) < getattr(self, key) for key in COUNTERS):
            self.before = {key: self.total(key) for key in COUNTERS}
        for key in ("boots", "neighbours", "sent", "received", "lost", "battery_mv", "wakes"):
            setattr(self, key, record.get(key) or 0)
        self.chip = CHIPS.get(str(record.get("board")), "")

    def _on_event(self, event: str, value: object) -> None:
        if event == "asleep" and isinstance(value, int):
            self.sleeps = True
            self.now = f"deep sleep, {value / 1000:.1f} s"
        elif event == "resumed" and isinstance(value, int):
            self.wakes = value
            self.restored += 1
            self.now = "awake, snapshot restored"
        elif event == "started":
            self.now = "awake"

    def cells(self) -> list[str]:
        """Return the row of the table."""
        battery = f"{self.battery_mv / 1000:.2f} V" if self.battery_mv else "-"
        numbers = (self.boots, self.neighbours, self.sent, self.received, self.lost)
        return [
            self.label,
            self.chip,
            *map(str, numbers),
            battery,
            str(self.wakes),
            self.note or self.now,
        ]


class BoardWatch:
    """Hear every board at once and show what they tell."""

    def __init__(self, listeners: Listeners, ports: Sequence[Port]) -> None:
        self.boards = [BoardView(port.name or port.label) for port in ports]
        self._listeners = listeners
        self._parsers = {
            port: (RecordParser(), board) for port, board in zip(ports, self.boards, strict=True)
        }

    def until(self, met: Callable[[list[BoardView]], bool], timeout_s: float) -> bool:
        """Show the boards until `met` or the time is over; returns whether it was met."""
        until_s = time.monotonic() + timeout_s
        with _display() as draw:
            while not met(self.boards):
                if time.monotonic() > until_s:
                    return False
                for heard in self._listeners.hear(DRAW_EVERY_S):
                    self._take(heard)
                draw(self.boards)
        return True

    def _take(self, heard: Heard) -> None:
        parser, board = self._parsers[heard.port]
        for item in parser.feed(heard.data):
            if isinstance(item, Record):
                board.on_record(item.fields)


@contextmanager
def watch_boards(ports: Sequence[Port]) -> Iterator[BoardWatch]:
    """Watch the boards on these ports for as long as the block lasts."""
    with Listeners(ports, wait_s=10.0) as listeners:
        yield BoardWatch(listeners, ports)


@contextmanager
def _display() -> Iterator[Callable[[list[BoardView]], None]]:
    if not sys.stdout.isatty():
        yield _Lines().draw
        return
    from rich.live import Live

    with Live(refresh_per_second=1 / DRAW_EVERY_S) as live:
        yield lambda boards: live.update(_table(boards))


class _Lines:
    """Off a terminal: the sums, every few seconds."""

    def __init__(self) -> None:
        self._spoke_at_s = time.monotonic()  # at first no board has told of itself

    def draw(self, boards: list[BoardView]) -> None:
        """Write one line unless one was written just now."""
        if time.monotonic() - self._spoke_at_s < LINE_EVERY_S:
            return
        self._spoke_at_s = time.monotonic()
        told = sum(1 for board in boards if board.boots)
        received = sum(board.total("received") for board in boards)
        asleep = sum(1 for board in boards if board.now.startswith("deep sleep"))
        restored = sum(board.restored for board in boards)
        click.echo(
            f"  heard of {told}/{len(boards)} agents, {asleep} in deep sleep, "
            f"{restored} snapshots restored, {received} messages heard"
        )


def _table(boards: list[BoardView]) -> "Table":
    from rich.table import Table

    table = Table()
    for column in COLUMNS:
        table.add_column(column, no_wrap=True)
    for board in boards:
        table.add_row(*board.cells())
    return table
