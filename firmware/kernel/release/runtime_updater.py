"""The board while it fetches MicroPython, for a release that has to wait for it.

A session as any other, after the one in which that release was refused for now: it hears offers of
MicroPython for boards of its kind, and tells of itself as somebody who fetches that release.

Input    RuntimeUpdater(first, rng, runtime, inflate); then as `Updater`
Effects  those of `Updater` and of `runtime_intake`
Bounds   as `Updater`
"""

from ..codec.frame import BROADCAST, KIND_REPORT
from .fetching import Fetching
from .manifest import Board
from .runtime_intake import RuntimeIntake
from .talk import STAGE_FETCHING, STAGE_IDLE
from .updater import Updater

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..prng import Prng
    from ..shapes import UpdateEffects
    from .forms import Inflate
    from .runtime import Runtime

_SUB_VERSION = 0xFF


class RuntimeUpdater(Updater):
    """A session for MicroPython; `first` is the one that ended because it is lacking."""

    def __init__(
        self, first: Updater, rng: "Prng", runtime: "Runtime", inflate: "Inflate"
    ) -> None:
        spare = runtime.places.spare
        room_bytes = spare.sector_bytes * spare.sector_count
        # It may be able to load later files than those that are here.
        kind = Board((runtime.class_id,), room_bytes, first.board.mpy | _SUB_VERSION)
        kind.battery_mv = first.board.battery_mv
        super().__init__(first.identity, rng, first.installation, kind, inflate, first.budget)
        self.intake = RuntimeIntake(first.installation, kind, runtime, inflate)
        self.fetching = Fetching(rng, self.intake)
        self._runtime = runtime
        self._running = first.installation_sequence()
        self._target = first.offering.sequence

    def installation_sequence(self) -> int:
        """Return the number of the MicroPython that runs, 0 for one by cable."""
        return self._runtime.runs

    def target_sequence(self) -> int:
        """Return the number of the release that waits for it."""
        return self._target

    def _send(
        self,
        kind: int,
        fields: "list[Any] | None",
        out: "UpdateEffects",
        target: int = BROADCAST,
    ) -> None:
        if kind == KIND_REPORT and fields is not None:
            fields[0] = self._running
            fields[1] = STAGE_FETCHING if fields[1] == STAGE_IDLE else fields[1]
        super()._send(kind, fields, out, target)
