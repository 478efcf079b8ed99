"""Crashes planted in the applications of virtual boards, and what became of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cma_toolkit.host_tools.cli import replay
from support.board_records import AgentBoard
from support.virtual import VirtualBoards

_DRIVER = """
class Sensor:
    count = 0
    def read(self):
        self.count += 1
        {what}
def make(board):
    return Sensor()
"""
_APP = """
{above}
def setup(agent):
    count = [0]
    {setup}
    @agent.every({period_ms})
    def turn():
        count[0] += 1
        {turn}
"""


@dataclass(frozen=True)
class Plant:
    """One application that crashes, the driver of its sensor `probe`, its settings.

    `peer` is the application of another board.
    """

    app: str
    probe: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    peer: str = ""


def _app(turn: str = "pass", setup: str = "", above: str = "", period_ms: int = 50) -> str:
    return _APP.format(turn=turn, setup=setup, above=above, period_ms=period_ms)


_ODD = "class Odd(BaseException): pass"
_NAMELESS = """
class Nameless:
    def __call__(self): raise ValueError("called")
    def __getattr__(self, name): raise RuntimeError("no name")
"""
_HANGS = {"watchdog_ms": 2000}
_SLEEPS = {"wake_period_ms": 3000, "deep_sleep_ms": 500}
_READ = "value = agent.sensor('probe').read()"
PLANTS = {
    # What a handler raises: the agent goes on.
    "divides": Plant(_app("if count[0] == 3: 1 // 0")),
    "looks up": Plant(_app("if count[0] == 3: {}['soil']")),
    "in setup": Plant(_app(setup="[][0]")),
    "in its import": Plant("import nothing_of_that_name\n"),
    "no such part": Plant(_app(setup="agent.sensor('moon')")),
    "cold": Plant(_app(_READ + "\n        10 // value"), "return 3 - self.count"),
    "unplugged": Plant(_app(_READ), "if self.count == 2: raise OSError(5)\n        return 1"),
    "text": Plant(_app(_READ + "\n        value + 1"), "return 'wet' if self.count > 2 else 7"),
    "list": Plant(_app(_READ + "\n        value[2]"), "return [1, 2, 3][: 5 - self.count]"),
    "too long": Plant(_app("agent.publish('t', bytes(400 * count[0]))")),
    "deep": Plant(_app("if count[0] == 3: deep(0)", above="def deep(n): return deep(n + 1)")),
    "counts": Plant(
        _app(
            "agent.state['n'] += 1; assert agent.state['n'] < 4",
            "agent.state.setdefault('n', 0)",
        )
    ),
    # What ends the agent.
    "exits": Plant(_app("if count[0] == 3: raise SystemExit(7)")),
    "exits at once": Plant("raise SystemExit\n"),
    "no error": Plant(_app("if count[0] == 3: raise Odd", above=_ODD)),
    "nameless": Plant(_app(setup="agent.every(200)(Nameless())", above=_NAMELESS)),
    "resets": Plant(_app("if count[0] == 3: import machine; machine.reset()")),
    "hangs": Plant(_app("\n        while count[0] == 3: pass"), settings=_HANGS),
    # What another board says.
    "hears": Plant(
        _app(setup="agent.on('soil')(lambda message: 9 // message.value)"),
        peer=_app("agent.publish('soil', 3 - count[0])", period_ms=1_000),
    ),
    # After deep sleep, from a snapshot.
    "wakes": Plant(
        _app(setup="agent.state['n'] = agent.state.get('n', 0) + 1; 9 // (3 - agent.state['n'])",
             period_ms=60_000),
        settings=_SLEEPS,
    ),
}  # fmt: skip
# So long after its beginning that the first inputs are gone.
LATE = Plant(
    _app(_READ + "; value[99 if count[0] == 60 else 0]", period_ms=10),
    "return [self.count] * 60",
)


@dataclass(frozen=True)
class Replayed:
    """What `cma replay` said of one board."""

    code: int
    said: dict[str, Any]
    text: str

    @property
    def is_reproduced(self) -> bool:
        """Tell whether the replay ended as the board did."""
        return bool(self.said.get("reproduced"))

    @property
    def has_overflowed(self) -> bool:
        """Tell whether inputs are missing, and that was said."""
        return bool(self.said.get("overflowed"))


def replayed(boards: VirtualBoards, folder: Path, name: str, plant: Plant) -> Replayed:
    """Crash one board and replay that."""
    label = name.replace(" ", "-")
    files = {"drivers/probe.py": _DRIVER.format(what=plant.probe).encode()} if plant.probe else {}
    board = AgentBoard(boards, label, plant.app, plant.settings, files=files)
    if plant.peer:
        AgentBoard(boards, label + "-peer", plant.peer)
    board.wait_event("crash kept")
    folder = folder / label
    folder.mkdir()
    (folder / "app.py").write_text(plant.app)
    return ask(board, folder / "app.py")


def ask(board: AgentBoard, app: Path, *more: str) -> Replayed:
    """Run the command."""
    # A terminal from before the board was last plugged in may be another board's by now.
    words = [
        board.client.info(board.name).pty,
        "--last-crash",
        "--app",
        str(app),
        "--limit",
        "3",
        "-o",
        "json",
        *more,
    ]
    result = CliRunner().invoke(replay.command, words, standalone_mode=False)
    if result.exception:
        return Replayed(-1, {}, repr(result.exception))
    return Replayed(result.return_value, json.loads(result.stdout), result.output)
