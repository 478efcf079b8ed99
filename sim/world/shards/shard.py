"""One shard of a world: a fleet of its own agents, and what crosses its borders. CPython only.

A world is divided by place. Each shard has the boards of its own agents and goes through virtual
time as far as nothing can come from another; then all exchange what their agents at the border
did: frames that ask for the air, power that was cut, acknowledgements, datagrams. Frames are given
their time on the air in one order for all shards, so that the world is the same however it is
divided.
"""

from typing import Any

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.checkers.convergence import Recovery
from cma_toolkit.sim.world.medium.air import Frame, Sound
from cma_toolkit.sim.world.medium.border import Border
from cma_toolkit.sim.world.medium.places import make_places
from cma_toolkit.sim.world.shards.plan import divide, heard_in, hops_from
from cma_toolkit.sim.world.watcher import Watcher

Plain = dict[str, Any]
Key = tuple[int, int, int]  # of a frame that asks for the air: ready, source, number
Letters = dict[int, list[tuple[Any, ...]]]  # by the shard that they are for

ASKED, CUT, OUTCOME, UDP, WIRE, SETTLED = range(6)  # what a letter is about


class Shard:
    """The part of a described world with one number.

    Shape of an answer: letters, promise_ms, waiting (how many frames wait for the air), happened.
    Raises: Violation from whatever it is told to do, if a checker finds something.
    """

    def __init__(self, spec: Plain, number: int, shards: int) -> None:
        places = make_places(spec.get("places"), spec["agents"], spec["seed"])
        self._shard_of = shard_of = divide(places, shards)
        own = [index for index in range(spec["agents"]) if shard_of[index] == number]
        watchers: list[Watcher] = [*menu.make(spec.get("checkers", ()))]
        if "calm" in spec:
            self._recovery = Recovery(spec["calm"]["from_ms"], spec["calm"]["agree"])
            watchers.append(self._recovery)
        self._number = number
        self._fleet = fleet = driver.make_fleet(spec, spec["keep"], watchers, own=own)
        self._radio, self._clock = fleet.radio, fleet.clock
        self._heard_in = heard_in(fleet, shard_of)
        self._udp_in = self._shards_of_udp()
        edge = {*self._heard_in, *self._others_on_media()}
        self._border = border = Border(fleet.is_own, hops_from(fleet, edge))
        self._unsettled: list[Frame] = []
        self._foreign: set[Key] = set()  # that wait for the air, too
        fleet.radio.border = fleet.clock.border = border
        fleet.clock.tell_border()

    def _shards_of_udp(self) -> list[int]:
        udp = self._fleet.medium.udp
        members = udp.members if udp else []
        return sorted({self._shard_of[agent] for agent in members} - {self._number})

    def _others_on_media(self) -> list[int]:
        """Return the own agents that datagrams and wires connect with any others."""
        medium = self._fleet.medium
        on_udp = medium.udp.members if medium.udp else []
        on_wires = medium.wires.other if medium.wires else ()
        return [agent for agent in (*on_udp, *on_wires) if self._fleet.is_own[agent]]

    @property
    def now_ms(self) -> int:
        """How far it has come."""
        return self._clock.now_ms

    # --- what the coordinator calls ---

    def begin(self) -> Plain:
        """Return the first promise."""
        self._fleet.collect_rarely()
        return self._answer({})

    def advance(self, last_ms: int) -> Plain:
        """Let time pass to the end of a millisecond, and say what crossed the border in it."""
        self._fleet.run_until(last_ms + 1)
        return self._answer(self._letters(last_ms))

    def settle(self, letters: list[tuple[Any, ...]]) -> Plain:
        """Take in what came from other shards, and settle the frames that nothing is before."""
        for letter in letters:
            self._take(letter)
        if not self._unsettled:
            self._unsettled = self._radio.take_asked(self._clock.now_ms)
        return self._answer(self._settle_some())

    def miss(self, without: list[int]) -> Plain:
        """Return what agents of this part miss to be well again, some left out."""
        return self._recovery.part(self._fleet, without)

    def end(self) -> Plain:
        """Return what happened, and the digests of which the world's is made."""
        fleet = self._fleet
        fleet.end()
        result = driver.describe(fleet)
        fleet.close_trace()
        result["world"], result["agents"] = fleet.trace.parts()
        return {**result, "own": list(fleet.own)}

    # --- the border ---

    def _answer(self, letters: Letters) -> Plain:
        return {
            "letters": letters,
            "promise_ms": self._promise_ms(),
            "waiting": len(self._unsettled),
            "happened": self._clock.scheduled,
        }

    def _promise_ms(self) -> int:
        clock, boards, border = self._clock, self._fleet.boards, self._border
        edge_ms = border.edge_promise_ms(clock.now_ms)
        inside_ms = border.inside_promise_ms(clock.now_ms, clock.next_ms())
        if inside_ms >= edge_ms:
            return edge_ms
        does_listen = any(boards[agent].is_listening() for agent in border.edge)
        return inside_ms if does_listen else edge_ms

    def _letters(self, last_ms: int) -> Letters:
        letters: Letters = {}
        border, fleet = self._border, self._fleet
        for frame in self._radio.asked():
            for shard in self._heard_in.get(frame.source, ()):
                key = (frame.ready_us, frame.source, frame.number)
                letters.setdefault(shard, []).append((ASKED, frame.asked_ms, *key))
        for at_ms, source in border.cuts:
            for shard in self._heard_in.get(source, ()):
                letters.setdefault(shard, []).append((CUT, at_ms, source))
        for outcome in border.outcomes:
            shard = self._shard_of[outcome[1]]
            letters.setdefault(shard, []).append((OUTCOME, *outcome))
        border.cuts, border.outcomes = [], []
        if fleet.medium.udp is not None:
            for entry in fleet.medium.udp.asked:
                for shard in self._udp_in:
                    letters.setdefault(shard, []).append((UDP, *entry))
        if fleet.medium.wires is not None:
            for entry in fleet.medium.wires.asked:
                shard = self._shard_of[entry[1]]
                if shard != self._number:
                    letters.setdefault(shard, []).append((WIRE, *entry))
        for each in letters.values():
            assert all(letter[1] == last_ms for letter in each), "a shard broke its promise"
        return letters

    def _take(self, letter: tuple[Any, ...]) -> None:
        what, fields, now_ms = letter[0], letter[1:], self._clock.now_ms
        medium, radio = self._fleet.medium, self._radio
        if what == ASKED:
            self._foreign.add(fields[1:])
        elif what == CUT:
            radio.cut(fields[1])
        elif what == OUTCOME:
            _at_ms, source, number, is_acknowledged = fields
            radio.learn(source, number, is_acknowledged, now_ms)
        elif what == SETTLED:
            self._hear(fields)
        elif what == UDP and medium.udp is not None:
            medium.udp.asked.append(fields)
            medium.post_at(now_ms)
            self._came(fields[1], fields[3])
        elif what == WIRE and medium.wires is not None:
            medium.wires.asked.append(fields)
            medium.post_at(now_ms)
            self._came(medium.wires.other[fields[1]], fields[3])

    def _hear(self, fields: tuple[Any, ...]) -> None:
        ready_us, source, number, target, data, tries, sound = fields
        self._foreign.discard((ready_us, source, number))
        frame = Frame(source, target, data, number)
        frame.tries, frame.sound = tries, Sound(*sound)
        self._radio.hear(frame, self._clock.now_ms)
        self._came(source, data)

    def _came(self, source: int, data: bytes) -> None:
        for watcher in self._fleet.watchers:
            watcher.came(self._fleet, source, data)

    def _settle_some(self) -> Letters:
        letters: Letters = {}
        is_between, now_ms = self._radio.reach.is_between, self._clock.now_ms
        waiting: list[Frame] = []
        before = sorted(self._foreign)
        for frame in self._unsettled:
            key = (frame.ready_us, frame.source, frame.number)
            sources = [other[1] for other in before if other < key]
            sources += [other.source for other in waiting]
            if any(frame.source == other or is_between(frame.source, other) for other in sources):
                waiting.append(frame)
                continue
            self._radio.settle(frame, now_ms)
            told = (*key, frame.target, frame.data, frame.tries, frame.sound.plain())
            for shard in self._heard_in.get(frame.source, ()):
                letters.setdefault(shard, []).append((SETTLED, *told))
        self._unsettled = waiting
        return letters
