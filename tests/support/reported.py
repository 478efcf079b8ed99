"""A run that has something of everything, watched by the recorder of reports."""

from pathlib import Path
from typing import Any

from cma_toolkit.sim.report.recorder import Recorder
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.faults.base import Fault
from cma_toolkit.sim.world.fleet import Fleet

APP = Path(__file__).parents[1] / "world/apps/reporter.py"
CURRENTS = {"active": 40_000, "wifi_rx": 95_000, "wifi_tx": 180_000, "deep_sleep": 10}
# The last agent is in the middle of the map.
PLACES = {"kind": "positions", "rows": [[0, 0], [20, 0], [40, 0], [0, 20], [40, 20], [20, 10]]}
AGENTS = len(PLACES["rows"])
MIDDLE = f"agent-{AGENTS:02d}"


class Hush(Fault):
    """Lose every frame."""

    NAME, NUMBER = "hush", 99

    def describe(self) -> str:
        return "all frames <b>lost</b>"

    def on_air(self, source: int, target: int, data: bytes, paths: Any) -> None:
        paths.clear()


def run(
    seconds: int = 600, *, is_watched: bool = True, supply: dict[str, int] | None = None
) -> tuple[Fleet, Recorder]:
    """Run sleepers through two silences and a power cut of the first one."""
    recorder = Recorder()
    fleet = Fleet(
        load_setup(str(APP)),
        AGENTS,
        7,
        settings={"wake_period_ms": 30_000, "deep_sleep_ms": 5_000},
        currents=dict(CURRENTS),
        places=PLACES,
        climate={"clouds_percent": 0} if supply else None,
        supply=supply,
        power_cuts=[(seconds // 2 - 1, 0)],  # over the look at that instant
        faults=[(120_000, 180_000, Hush()), (seconds * 1000 - 60_000, 1 << 40, Hush())],
        watchers=[recorder] if is_watched else [],
    )
    fleet.run(seconds)
    fleet.end()
    return fleet, recorder
