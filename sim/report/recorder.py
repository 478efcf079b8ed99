"""Watch a run and keep what its report shows; for CPython only."""

from typing import Any

from cma_toolkit.sim.report.bins import Bins, Levels
from cma_toolkit.sim.report.life import Life
from cma_toolkit.sim.report.view import View
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Watcher

_LINES_IN_ALL = 60_000
_LINES_MIN, _LINES_MAX = 15, 1_000  # per agent and sort
_KEYS_MAX = 6  # of `agent.state` whose agreement is drawn
NEIGHBOURS_ENOUGH = 8  # so many an agent still knows after deep sleep
_LINKS_MAX = 12  # of each agent that the map draws: its busiest


class Recorder(Watcher):
    """Keep series, faults, links and each agent's life, in bounded memory.

    It reads what agents hold and changes nothing: the digest of a run is the same without it.
    """

    def begin(self, fleet: Fleet) -> None:
        """Make room for each agent."""
        count = len(fleet.names)
        self.fleet = fleet
        self.bins = bins = Bins()
        self.name_of = {board.node: board.name for board in fleet.boards}
        keep = min(_LINES_MAX, max(_LINES_MIN, _LINES_IN_ALL // count))
        self.lives = [Life(keep) for _ in range(count)]
        self.views = [View() for _ in range(count)]
        self.links: list[dict[int, int]] = [{} for _ in range(count)]
        self.asleep_ms = [bins.amounts() for _ in range(count)]
        self.radio_ms = [bins.amounts() for _ in range(count)]
        self.dark_ms = [bins.amounts() for _ in range(count)]
        self.frames = [bins.amounts() for _ in range(count)]
        self.sent_frames, self.heard_frames, self.errors = (bins.amounts() for _ in range(3))
        self.known_permille = bins.levels()
        self.used_uah = {name: bins.levels() for name in ("least", "mean", "most")}
        self.agree_permille: dict[str, Levels] = {}
        self.charge_percent = [bins.levels() for board in fleet.boards if board.power is not None]
        self.faults: list[list[Any]] = []
        self.end_ms = 0
        self._dark_since_ms: list[int | None] = [0] * count
        self._last = [(0, 0)] * count  # asleep and radio, ms, up to the last look
        self.look_at_ms = bins.bin_ms

    # --- what the world tells ---

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Count a frame."""
        place = self.bins.place(fleet.clock.now_ms)
        self.frames[source][place] += 1
        self.sent_frames[place] += 1

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        """Count what came through on each link."""
        links = self.links[source]
        links[target] = links.get(target, 0) + 1
        self.heard_frames[self.bins.place(fleet.clock.now_ms)] += 1

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Write what happened into the agent's life."""
        now_ms = fleet.clock.now_ms
        if kind == trace.BOOT:
            self._count_dark(index, now_ms)
            self._dark_since_ms[index] = None
        elif kind == trace.POWER:
            self._count_dark(index, now_ms)
            self._dark_since_ms[index] = now_ms
            self.views[index].lose()
        elif kind == trace.SLEEP:
            self.views[index].look(fleet.boards[index].agent)
        elif kind == trace.APP_ERROR:
            self.errors[self.bins.place(now_ms)] += 1
            self.views[index].errors += 1
        self.lives[index].add(now_ms, kind, content)

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        """Note when a fault begins and ends."""
        now_ms = fleet.clock.now_ms
        if is_on:
            self.faults.append([name, text, now_ms, None])
            return
        for entry in self.faults:
            if entry[:2] == [name, text] and entry[3] is None:
                entry[3] = now_ms
                return

    def end(self, fleet: Fleet) -> None:
        """Look a last time."""
        self.look(fleet)

    # --- looking ---

    def look(self, fleet: Fleet) -> None:
        """Look at all agents, once for each bin."""
        now_ms, bins = fleet.clock.now_ms, self.bins
        place = bins.place(max(0, now_ms - 1))
        for index, board in enumerate(fleet.boards):
            times = board.sleep()
            asleep_ms, radio_ms = self._last[index]
            self._last[index] = times["asleep_ms"], times["radio_ms"]
            bins.spread(self.asleep_ms[index], self.end_ms, now_ms, times["asleep_ms"] - asleep_ms)
            bins.spread(self.radio_ms[index], self.end_ms, now_ms, times["radio_ms"] - radio_ms)
            self._count_dark(index, now_ms)
            self.views[index].look(board.agent)
            if board.power is not None:
                permille = board.power.supply.peek_permille(now_ms)
                self.charge_percent[index][place] = permille // 10
        self._look_at_all(place)
        self.end_ms = now_ms
        self.look_at_ms = (now_ms // bins.bin_ms + 1) * bins.bin_ms

    def _count_dark(self, index: int, now_ms: int) -> None:
        since_ms = self._dark_since_ms[index]
        if since_ms is not None:
            self.bins.spread(self.dark_ms[index], since_ms, now_ms, now_ms - since_ms)
            self._dark_since_ms[index] = now_ms

    def _look_at_all(self, place: int) -> None:
        views, reach = self.views, self.fleet.radio.in_reach
        wanted = [min(NEIGHBOURS_ENOUGH, len(reach(index))) for index in range(len(views))]
        known = sum(min(view.neighbours, most) for view, most in zip(views, wanted, strict=True))
        self.known_permille[place] = known * 1000 // max(1, sum(wanted))
        used = [view.used_uah for view in views]
        mean = sum(used) // len(used)
        for name, value in (("least", min(used)), ("mean", mean), ("most", max(used))):
            self.used_uah[name][place] = value
        for key in _shared_keys(views):
            if key not in self.agree_permille and len(self.agree_permille) < _KEYS_MAX:
                self.agree_permille[key] = self.bins.levels()
        for key, levels in self.agree_permille.items():
            levels[place] = _agreement_permille(views, key)

    def recording(self) -> dict[str, Any]:
        """Return all that the page shows, as plain data; at any time after the run began."""
        from cma_toolkit.sim.report.recording import plain

        return plain(self, _LINKS_MAX)


def _shared_keys(views: list[View]) -> list[str]:
    return sorted({key for view in views for key in view.state})


def _agreement_permille(views: list[View], key: str) -> int:
    """Return how many of the agents with power hold the value that most of them hold."""
    counts: dict[str, int] = {}
    for view in views:
        value = view.state.get(key, "")
        counts[value] = counts.get(value, 0) + 1
    held = [count for value, count in counts.items() if value]
    return max(held, default=0) * 1000 // len(views)
