"""ESP-NOW between the agents of one world, on one channel.

A sender waits until nobody whom it hears is sending, and then as long as it drew; two that begin
within one slot, or that do not hear each other, collide at whoever hears both, unless one is so
much stronger that it drowns the other. A frame for one neighbour is acknowledged, and tried again
when it was not; meanwhile its sender's next frames wait, as on a board.

Time on the air is in microseconds. All that is asked of the air within one millisecond is settled
at the next one, in an order that does not depend on who asked first; what is settled begins then
at the earliest. A sender learns a millisecond later whether its frame was acknowledged. So what
one agent does reaches another after a millisecond at least, and whether a frame comes through is
drawn by who hears it: a world goes the same way however it is divided.

Bounds   what is on the air now, and a queue per sender whose frame waits to be acknowledged
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.board import FRAME
from cma_toolkit.sim.world.medium.air import Air, Frame, Sound
from cma_toolkit.sim.world.medium.airtime import (
    ACK_US,
    DIFS_US,
    SIFS_US,
    SLOT_US,
    SLOTS_MAX,
    SLOTS_MIN,
    TRIES_MAX,
    frame_us,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.medium.border import Border
    from cma_toolkit.sim.world.medium.medium import Medium
    from cma_toolkit.sim.world.medium.reach import Reach

ALL = -1  # the target of a frame for everyone in reach

_LEAD_US = 1_000  # from `send` to the earliest instant on the air
_LEAD_SLOTS = 50  # and up to so many later: what interpreter and driver take differs
COUNTS = ("frames", "retries", "air_us", "faded", "collided")
_FRAMES, _RETRIES, _AIR_US, _FADED, _COLLIDED = range(len(COUNTS))


class Radio:
    """Who sends when, and who hears it."""

    def __init__(self, medium: "Medium", reach: "Reach", count: int, seed: int) -> None:
        self.reach = reach
        self.border: Border | None = None  # of a part of a world
        self.air = Air(reach, count)
        self._medium = medium
        self._seed = seed
        self._number = 0
        self._asked: list[Frame] = []
        self._settled: list[Frame] = []
        self._due: dict[int, list[tuple[int, int, Frame]]] = {}  # by the ms: end, source
        # Of each sender the frame that waits for its acknowledgement, and those behind it.
        self._held: dict[int, list[Frame]] = {}
        self._taken: dict[int, int] = {}  # of each sender the last frame that its target has
        self._outcomes: list[tuple[int, int, bool]] = []  # source, number, was it acknowledged
        self._ready_us: dict[int, int] = {}  # of each sender's last frame
        self._slots_of: dict[int, Prng] = {}
        self._fading_of: list[Prng | None] = [None] * count
        self._counts = [[0] * count for _ in COUNTS]
        self._again_us = [0] * count

    # --- what others ask ---

    def in_reach(self, source: int) -> list[int]:
        """Return the agents that can hear this one, in order."""
        return list(self.reach.paths(source).agents)

    def rssi_dbm(self, source: int) -> list[int]:
        """Return how strongly each of them hears it, in the same order."""
        return list(self.reach.paths(source).dbm)

    def loss_permille(self, source: int) -> list[int]:
        """Return how many of a thousand frames fade on the way to each, in the same order."""
        return list(self.reach.paths(source).loss_permille)

    def air_us(self, agent: int) -> int:
        """Return for how long an agent was sending, acknowledgements too."""
        return self._counts[_AIR_US][agent]

    def again_us(self, agent: int) -> int:
        """Return for how much of that it sent what it does not know of: retries, and answers.

        Those are of the radio's own: an agent counts each of its frames once.
        """
        return self._again_us[agent]

    def counts(self, agent: int) -> dict[str, int]:
        """Return what an agent sent, again, and for how long, and what it missed in reach."""
        return {name: self._counts[place][agent] for place, name in enumerate(COUNTS)}

    # --- sending ---

    def send(self, source: int, target: int, data: bytes) -> None:
        """Queue a frame for one agent or for ALL."""
        self._number += 1
        self._queue(Frame(source, target, data, self._number))

    def silence(self, source: int) -> None:
        """Lose what an agent has not sent yet, and spoil what it is sending: its power is cut."""
        self._held.pop(source, None)
        for frame in self._asked:
            if frame.source == source:
                frame.is_cut = True
        if self.cut(source) and self.border is not None:
            self.border.cuts.append((self._medium.now_ms(), source))

    def cut(self, source: int) -> bool:
        """Spoil what an agent is sending, if it is."""
        is_cut = False
        for due in self._due.values():
            for _end_us, sender, frame in due:
                if sender == source:
                    frame.is_cut = is_cut = True
        return is_cut

    def _queue(self, frame: Frame) -> None:
        held = self._held.get(frame.source)
        if held is not None:
            held.append(frame)
            return
        if frame.target != ALL:
            self._held[frame.source] = [frame]
        lead_us = _LEAD_US + self._slots(frame.source, _LEAD_SLOTS) * SLOT_US
        self._ask(frame, self._medium.now_ms() * 1000 + lead_us)

    def _ask(self, frame: Frame, from_us: int) -> None:
        source, now_ms = frame.source, self._medium.now_ms()
        frame.asked_ms = now_ms
        ready_us = max(from_us, (now_ms + 1) * 1000)
        # In the order of sending, whatever was drawn.
        frame.ready_us = self._ready_us[source] = max(ready_us, self._ready_us.get(source, 0))
        frame.slots = self._slots(source, min(SLOTS_MAX, SLOTS_MIN << frame.tries))
        self._asked.append(frame)
        if self.border is not None:
            self.border.on_asked(now_ms, source)
        self._medium.turn_at(now_ms + 1)

    def _slots(self, source: int, bound: int) -> int:
        rng = self._slots_of.get(source)
        if rng is None:
            rng = self._slots_of[source] = Prng(seed_from(self._seed, "radio slots", source))
        return rng.below(bound)

    def _on_outcome(self, source: int, number: int, is_acknowledged: bool) -> None:
        held = self._held.get(source)
        if held is None or held[0].number != number:
            return  # the sender lost its power meanwhile
        frame = held[0]
        frame.tries += 1
        if not is_acknowledged and frame.tries < TRIES_MAX:
            slots = self._slots(source, min(SLOTS_MAX, SLOTS_MIN << frame.tries))
            self._ask(frame, frame.sound.busy_us + DIFS_US + slots * SLOT_US)
            return
        if not is_acknowledged:
            self._medium.fail(source)
        del self._held[source]
        self._taken.pop(source, None)
        for frame in held[1:]:
            self._queue(frame)

    # --- the air ---

    def turn(self, now_ms: int) -> None:
        """Settle what was asked for before now, and hand over what ends now."""
        for frame in self.take_asked(now_ms):
            self.settle(frame, now_ms)
        self._count_settled()
        # Who loses power only now, by what it hears, has sent its frame.
        ended = [entry for entry in self._due.pop(now_ms, ()) if not entry[2].is_cut]
        outcomes, self._outcomes = self._outcomes, []
        for source, number, is_acknowledged in outcomes:
            self._on_outcome(source, number, is_acknowledged)
        ended.sort()
        for _end_us, _source, frame in ended:
            if frame.target == ALL:
                self._end(frame)
            elif self.border is None or self._is_decided_here(frame, self.border):
                self._end_for_one(frame, now_ms)

    def asked(self) -> "list[Frame]":
        """Return the frames that wait to be settled."""
        return [frame for frame in self._asked if not frame.is_cut]

    def take_asked(self, now_ms: int) -> "list[Frame]":
        """Return what was asked for before now, in the order in which it is to be settled."""
        if not self._asked:
            return []
        asked = [
            (frame.ready_us, frame.source, frame.number, frame)
            for frame in self._asked
            if frame.asked_ms < now_ms and not frame.is_cut
        ]
        self._asked = [frame for frame in self._asked if frame.asked_ms >= now_ms]
        asked.sort()
        return [frame for _ready_us, _source, _number, frame in asked]

    def settle(self, frame: Frame, now_ms: int) -> None:
        """Give a frame its time on the air, after all that go before it in its reach."""
        span_us = frame_us(len(frame.data))
        start_us = self.air.free_at_us(frame, span_us)
        busy_us = end_us = start_us + span_us
        if frame.target != ALL:
            busy_us += SIFS_US + ACK_US
        frame.sound = Sound(start_us, end_us, busy_us, frame.source)
        self._settled.append(frame)
        self.hear(frame, now_ms)

    def hear(self, frame: Frame, now_ms: int) -> None:
        """Have a frame on the air that has its time there."""
        end_us, source = frame.sound.end_us, frame.source
        self.air.add(frame.sound, now_ms)
        due_ms = (end_us + 999) // 1000
        self._due.setdefault(due_ms, []).append((end_us, source, frame))
        if self.border is not None:
            self.border.on_due(due_ms, source)
        self._medium.turn_at(due_ms)

    def _count_settled(self) -> None:
        settled, self._settled = self._settled, []
        for frame in settled:
            source, span_us = frame.source, frame.sound.end_us - frame.sound.start_us
            self._counts[_RETRIES if frame.tries else _FRAMES][source] += 1
            self._counts[_AIR_US][source] += span_us
            if frame.tries:
                self._again_us[source] += span_us
            self._medium.on_sending(source)

    def _end(self, frame: Frame) -> None:
        source, data, sound = frame.source, frame.data, frame.sound
        heard, medium = self.air.heard, self._medium
        paths = self.reach.paths(source)
        heard_by, strengths, losses = paths.agents, paths.dbm, paths.loss_permille
        for place in range(len(heard_by)):
            target, dbm = heard_by[place], strengths[place]
            if len(heard[target]) > 1 and self.air.is_drowned(sound, target, dbm):
                self._counts[_COLLIDED][target] += 1
            elif self._fades(target, losses[place]):
                self._counts[_FADED][target] += 1
            else:
                medium.hand_over(source, target, dbm, data)

    def _fades(self, target: int, loss_permille: int) -> bool:
        if not loss_permille:
            return False
        rng = self._fading_of[target]
        if rng is None:
            rng = self._fading_of[target] = Prng(seed_from(self._seed, "radio loss", target))
        return rng.below(1000) < loss_permille

    def _is_decided_here(self, frame: Frame, border: "Border") -> bool:
        # Its target decides; nobody else can, unless it is out of reach.
        if border.is_own[frame.target]:
            return True
        is_sent_here = border.is_own[frame.source] == 1
        return is_sent_here and not self.reach.is_between(frame.source, frame.target)

    def _end_for_one(self, frame: Frame, now_ms: int) -> None:
        source, is_acknowledged = frame.source, self._is_acknowledged(frame)
        if self.border is None or self.border.is_own[source]:
            self.learn(source, frame.number, is_acknowledged, now_ms + 1)
        else:
            self.border.outcomes.append((now_ms, source, frame.number, is_acknowledged))

    def learn(self, source: int, number: int, is_acknowledged: bool, at_ms: int) -> None:
        """Have a sender learn, at its next turn, whether its frame was acknowledged."""
        self._outcomes.append((source, number, is_acknowledged))
        if self.border is not None:
            self.border.on_event(at_ms, FRAME, source)
        self._medium.turn_at(at_ms)

    def _is_acknowledged(self, frame: Frame) -> bool:
        source, target = frame.source, frame.target
        place = self.reach.place(source, target)
        if place < 0 or not self._medium.is_listening(target):
            return False
        paths = self.reach.paths(source)
        dbm, loss = paths.dbm[place], paths.loss_permille[place]
        if self.air.is_drowned(frame.sound, target, dbm):
            self._counts[_COLLIDED][target] += 1
            return False
        if self._fades(target, loss):
            self._counts[_FADED][target] += 1
            return False
        if self._taken.get(source) != frame.number:
            # One that comes again, since its acknowledgement was lost, is known by its number.
            if not self._medium.hand_over(source, target, dbm, frame.data):
                return False
            self._taken[source] = frame.number
        self._counts[_AIR_US][target] += ACK_US
        self._again_us[target] += ACK_US
        self._medium.on_sending(target)
        return not self._fades(target, loss)
