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
from cma_toolkit.sim.world.medium.border import FAR, Border
from cma_toolkit.sim.world.medium.places import make_places
from cma_toolkit.sim.world.shards.plan import divide, heard_in, hops_from
from cma_toolkit.sim.world.watcher import Watcher

Plain = dict[str, Any]
Key = tuple[int, int, int]  # of a frame that asks for the air: ready, source, number
Letters = dict[int, list[tuple[Any, ...]]]  # by the shard that they are for

ASKED, CUT, OUTCOME, UDP, WIRE, SETTLED = range(6)  # what a letter is about
# How much later its receiver may do something that others hear.
_ANSWERS_AFTER_MS = (2, FAR, 1, 1, 1, 2)


class Shard:
    """The part of a described world with one number.

    Shape of an answer: letters, the second of each the millisecond that it is about; now_ms;
    promise_ms, the first in which something may cross the border; waiting, how many frames wait
    for the air; happened.
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
        self._letters: Letters = {}
        self._later: list[tuple[Any, ...]] = []  # letters of instants that are still to come
        self._stop_ms = FAR
        self._told_ms = -1  # up to when asked frames were told
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
        """Return the first promise, and which shards hear this one."""
        media = set(self._udp_in)
        wires = self._fleet.medium.wires
        for agent, other in wires.other.items() if wires is not None else ():
            if self._fleet.is_own[agent]:
                media.add(self._shard_of[other])
        hear = {shard for shards in self._heard_in.values() for shard in shards}
        media.discard(self._number)
        return {**self._answer(), "heard_in": sorted(hear | media), "has_media": bool(media)}

    def advance(self, last_ms: int) -> Plain:
        """Let time pass to the end of a millisecond, and say what crossed the border.

        It stops earlier if another shard may answer to that.
        """
        self._stop_ms = FAR
        while True:
            now_ms = self._clock.now_ms
            while self._later and self._later[0][1] < now_ms:
                self._take(self._later.pop(0))
            end_ms = min(last_ms, self._stop_ms)
            if now_ms > end_ms:
                return self._answer()
            upto_ms = min(end_ms, self._own_promise_ms())
            if self._later:
                upto_ms = min(upto_ms, self._later[0][1])
            self._fleet.run_until(upto_ms + 1)
            self._collect(upto_ms)

    def settle(self, letters: list[tuple[Any, ...]], may_settle: bool) -> Plain:
        """Take in what came from other shards, and settle the frames that nothing is before."""
        for letter in letters:
            if letter[1] < self._clock.now_ms:
                self._take(letter)
            else:
                self._later.append(letter)
        self._later.sort(key=_when)
        if may_settle:
            if not self._unsettled:
                self._unsettled = self._radio.take_asked(self._clock.now_ms)
            self._settle_some()
        return self._answer()

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

    def stopped(self, at_ms: int) -> Plain:
        """Return what crossed the border before an instant at which this shard failed."""
        for frame in self._border.settled:
            self._tell_settled(frame)
        return {**self._answer(), "now_ms": at_ms, "promise_ms": at_ms, "waiting": 0}

    # --- the border ---

    def _answer(self) -> Plain:
        """Return what is known now; of what waits for the air, too, unless it was told before."""
        now_ms = self._clock.now_ms
        asked = [frame for frame in self._radio.asked() if frame.source in self._heard_in]
        for frame in asked:
            if frame.asked_ms > self._told_ms:
                key = (frame.ready_us, frame.source, frame.number)
                self._write(frame.source, (ASKED, frame.asked_ms, *key))
        self._told_ms = now_ms - 1
        waiting = len(self._unsettled) + len(asked)
        letters, self._letters = self._letters, {}
        return {
            "letters": letters,
            "now_ms": now_ms,
            "promise_ms": now_ms - 1 if waiting else self._own_promise_ms(),
            "waiting": waiting,
            "happened": self._clock.scheduled,
        }

    def _own_promise_ms(self) -> int:
        clock, boards = self._clock, self._fleet.boards
        does_listen = any(boards[agent].is_listening() for agent in self._border.edge)
        promise_ms = self._border.promise_ms(clock.now_ms, clock.next_ms(), does_listen)
        for letter in self._later:
            promise_ms = min(promise_ms, letter[1] + _ANSWERS_AFTER_MS[letter[0]])
        return max(promise_ms, clock.now_ms)

    def _collect(self, last_ms: int) -> None:
        """Write down what crossed the border in a millisecond, and how far that lets time pass."""
        border, medium = self._border, self._fleet.medium
        for frame in self._radio.asked():
            if frame.source in self._heard_in:
                self._cross(ASKED, last_ms)
        for frame in border.settled:
            self._tell_settled(frame)
        for at_ms, source in border.cuts:
            self._write(source, (CUT, at_ms, source))
        for outcome in border.outcomes:
            self._letters.setdefault(self._shard_of[outcome[1]], []).append((OUTCOME, *outcome))
            self._cross(OUTCOME, outcome[0])
        border.settled, border.cuts, border.outcomes = [], [], []
        for entry in medium.udp.asked if medium.udp is not None else ():
            if entry[0] == last_ms:
                for shard in self._udp_in:
                    self._letters.setdefault(shard, []).append((UDP, *entry))
                    self._cross(UDP, last_ms)
        for entry in medium.wires.asked if medium.wires is not None else ():
            shard = self._shard_of[entry[1]]
            if entry[0] == last_ms and shard != self._number:
                self._letters.setdefault(shard, []).append((WIRE, *entry))
                self._cross(WIRE, last_ms)

    def _cross(self, what: int, at_ms: int) -> None:
        self._stop_ms = min(self._stop_ms, at_ms + _ANSWERS_AFTER_MS[what])

    def _write(self, source: int, letter: tuple[Any, ...]) -> None:
        for shard in self._heard_in.get(source, ()):
            self._letters.setdefault(shard, []).append(letter)

    def _tell_settled(self, frame: Frame) -> None:
        key = (frame.ready_us, frame.source, frame.number)
        told = (*key, frame.target, frame.data, frame.tries, frame.sound.plain())
        self._write(frame.source, (SETTLED, frame.asked_ms, *told))

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
        _at_ms, ready_us, source, number, target, data, tries, sound = fields
        self._foreign.discard((ready_us, source, number))
        frame = Frame(source, target, data, number)
        frame.tries, frame.sound = tries, Sound(*sound)
        self._radio.hear(frame, self._clock.now_ms)
        self._came(source, data)

    def _came(self, source: int, data: bytes) -> None:
        for watcher in self._fleet.watchers:
            watcher.came(self._fleet, source, data)

    def _settle_some(self) -> None:
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
            self._tell_settled(frame)
        self._border.settled = []
        self._unsettled = waiting


def _when(letter: tuple[Any, ...]) -> int:
    at_ms: int = letter[1]
    return at_ms
