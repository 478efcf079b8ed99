"""The air between the agents of one world, as ESP-NOW on one channel uses it.

A sender waits until nobody whom it hears is sending, and then as long as it drew; two that begin
within one slot, or that do not hear each other, collide at whoever hears both, unless one is so
much stronger that it drowns the other. A frame for one neighbour is acknowledged, and tried again
when it was not; meanwhile its sender's next frames wait, as on a board.

Time on the air is in microseconds. All that is asked of the air within one millisecond is settled
at the next one, in an order that does not depend on who asked first; what is settled begins then
at the earliest. So what one agent does reaches another after a millisecond at least.

Bounds   what is on the air now, and a queue per sender whose frame waits to be acknowledged
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.medium.airtime import (
    ACK_US,
    CAPTURE_DB,
    DIFS_US,
    FRAME_US_MAX,
    SIFS_US,
    SLOT_US,
    SLOTS_MAX,
    SLOTS_MIN,
    TRIES_MAX,
    frame_us,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cma_toolkit.sim.world.medium.medium import Medium
    from cma_toolkit.sim.world.medium.reach import Reach

    Sound = tuple[int, int, int, int]  # start, end, end of what is kept free behind it; source

ALL = -1  # the target of a frame for everyone in reach

_LEAD_US = 1_000  # from `send` to the earliest instant on the air
_LEAD_SLOTS = 50  # and up to so many later: what interpreter and driver take differs
_KEEP_US = FRAME_US_MAX + ACK_US + 2_000  # what overlaps with a frame is known at its end
COUNTS = ("frames", "retries", "air_us", "faded", "collided")
_FRAMES, _RETRIES, _AIR_US, _FADED, _COLLIDED = range(len(COUNTS))


class Frame:
    """One frame on its way into the air and through it."""

    def __init__(self, source: int, target: int, data: bytes, number: int) -> None:
        self.source = source
        self.target = target  # an agent, or ALL
        self.data = data
        self.number = number  # in the order of sending
        self.tries = 0
        self.asked_ms = 0
        self.ready_us = 0
        self.slots = 0  # after the air is found busy
        self.sound: Sound = (0, 0, 0, source)
        self.is_taken = False  # its target has it, though the sender may not know
        self.is_cut = False  # its sender lost power


class Radio:
    """Who sends when, and who hears it."""

    def __init__(self, medium: "Medium", reach: "Reach", count: int, seed: int) -> None:
        self.reach = reach
        self._medium = medium
        self._seed = seed
        self._number = 0
        self._asked: list[Frame] = []
        # What each agent hears or sends now, or did just before.
        self._heard: list[list[Sound]] = [[] for _ in range(count)]
        self._due: dict[int, list[tuple[int, int, Frame]]] = {}  # by the ms: end, source
        self._held: dict[int, list[Frame]] = {}  # behind one that waits for its acknowledgement
        self._ready_us: dict[int, int] = {}  # of each sender's last frame
        self._chances: dict[int, tuple[Prng, Prng]] = {}
        self._counts = [[0] * count for _ in COUNTS]
        self._again_us = [0] * count

    # --- what others ask ---

    def in_reach(self, source: int) -> "Sequence[int]":
        """Return the agents that can hear this one, in order."""
        return self.reach.paths(source)[0]

    def rssi_dbm(self, source: int) -> "Sequence[int]":
        """Return how strongly each of them hears it, in the same order."""
        return self.reach.paths(source)[1]

    def loss_permille(self, source: int) -> "Sequence[int]":
        """Return how many of a thousand frames fade on the way to each, in the same order."""
        return self.reach.paths(source)[2]

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
        for due in self._due.values():
            for _end_us, sender, frame in due:
                if sender == source:
                    frame.is_cut = True

    def _queue(self, frame: Frame) -> None:
        held = self._held.get(frame.source)
        if held is not None:
            held.append(frame)
            return
        if frame.target != ALL:
            self._held[frame.source] = []
        self._ask(frame, self._slots(frame.source, _LEAD_SLOTS))

    def _ask(self, frame: Frame, slots: int) -> None:
        source, now_ms = frame.source, self._medium.now_ms()
        frame.asked_ms = now_ms
        ready_us = now_ms * 1000 + _LEAD_US + slots * SLOT_US
        # In the order of sending, whatever was drawn.
        frame.ready_us = self._ready_us[source] = max(ready_us, self._ready_us.get(source, 0))
        frame.slots = self._slots(source, min(SLOTS_MAX, SLOTS_MIN << frame.tries))
        self._asked.append(frame)
        self._medium.turn_at(now_ms + 1)

    def _slots(self, source: int, bound: int) -> int:
        return self._chance(source)[0].below(bound)

    def _chance(self, source: int) -> "tuple[Prng, Prng]":
        found = self._chances.get(source)
        if found is None:
            found = (
                Prng(seed_from(self._seed, "radio slots", source)),
                Prng(seed_from(self._seed, "radio loss", source)),
            )
            self._chances[source] = found
        return found

    # --- the air ---

    def turn(self, now_ms: int) -> None:
        """Settle who sends what was asked for before now, and hand over what ends now."""
        self._settle(now_ms)
        due = self._due.pop(now_ms, None)
        if due:
            due.sort()
            for _end_us, _source, frame in due:
                if not frame.is_cut:
                    self._end(frame)

    def _settle(self, now_ms: int) -> None:
        asked = [
            (frame.ready_us, frame.source, frame.number, frame)
            for frame in self._asked
            if frame.asked_ms < now_ms and not frame.is_cut
        ]
        self._asked = [frame for frame in self._asked if frame.asked_ms >= now_ms]
        asked.sort()
        for _ready_us, source, _number, frame in asked:
            span_us = frame_us(len(frame.data))
            start_us = self._free_at_us(frame, span_us)
            busy_us = end_us = start_us + span_us
            if frame.target != ALL:
                busy_us += SIFS_US + ACK_US
            frame.sound = (start_us, end_us, busy_us, source)
            self._sound(frame.sound, now_ms * 1000 - _KEEP_US)
            self._counts[_RETRIES if frame.tries else _FRAMES][source] += 1
            self._counts[_AIR_US][source] += span_us
            if frame.tries:
                self._again_us[source] += span_us
            self._medium.on_sending(source)
            due_ms = (end_us + 999) // 1000
            self._due.setdefault(due_ms, []).append((end_us, source, frame))
            self._medium.turn_at(due_ms)

    def _sound(self, sound: "Sound", oldest_us: int) -> None:
        source, heard = sound[3], self._heard
        self._keep(source, sound, oldest_us)
        for agent in self.reach.paths(source)[0]:
            sounds = heard[agent]
            if sounds and sounds[0][2] < oldest_us:
                self._keep(agent, sound, oldest_us)
            else:
                sounds.append(sound)

    def _keep(self, agent: int, sound: "Sound", oldest_us: int) -> None:
        sounds = [other for other in self._heard[agent] if other[2] >= oldest_us]
        sounds.append(sound)
        self._heard[agent] = sounds

    def _free_at_us(self, frame: Frame, span_us: int) -> int:
        source, start_us = frame.source, frame.ready_us
        sounds = self._heard[source]
        counted_from_us = start_us  # it has not begun to count its slots
        while sounds:
            until_us, since_us = 0, start_us
            for other_us, _end_us, busy_us, talker in sounds:
                if busy_us <= start_us or other_us >= start_us + span_us:
                    continue
                if talker == source or other_us <= start_us - SLOT_US:
                    until_us, since_us = max(until_us, busy_us), min(since_us, other_us)
            # Slots that it counted before another began are not counted again.
            slots = frame.slots
            if until_us and since_us > counted_from_us:
                slots = (start_us - since_us) // SLOT_US
            if not until_us:
                until_us = self._first_after(sounds, start_us, span_us)
            if not until_us:
                break
            counted_from_us = until_us + DIFS_US
            start_us = counted_from_us + slots * SLOT_US
        return start_us

    def _first_after(self, sounds: "list[Sound]", start_us: int, span_us: int) -> int:
        # What was settled to begin later stays so, and is let go first; who begins within a slot
        # of it does not hear it.
        begins_us = start_us + SLOT_US
        later = [other for other in sounds if begins_us <= other[0] < start_us + span_us]
        return min(later)[2] if later else 0

    def _end(self, frame: Frame) -> None:
        if frame.target != ALL:
            self._end_for_one(frame)
            return
        source, data, sound, heard = frame.source, frame.data, frame.sound, self._heard
        hand_over = self._medium.hand_over
        heard_by, strengths, losses = self.reach.paths(source)
        chance = self._chance(source)[1]
        for place in range(len(heard_by)):
            target, dbm, loss = heard_by[place], strengths[place], losses[place]
            if len(heard[target]) > 1 and self._is_drowned(sound, target, dbm):
                self._counts[_COLLIDED][target] += 1
            elif loss and chance.below(1000) < loss:
                self._counts[_FADED][target] += 1
            else:
                hand_over(source, target, dbm, data)

    def _is_drowned(self, sound: "Sound", target: int, dbm: int) -> bool:
        start_us, end_us = sound[0], sound[1]
        for other in self._heard[target]:
            if other[0] < end_us and other[1] > start_us and other != sound:
                talker = other[3]
                # Who sends hears nothing.
                if talker == target:
                    return True
                other_dbm = self.reach.paths(talker)[1][self.reach.place(talker, target)]
                if dbm < other_dbm + CAPTURE_DB:
                    return True
        return False

    def _end_for_one(self, frame: Frame) -> None:
        source = frame.source
        frame.tries += 1
        if self._is_acknowledged(frame):
            self._go_on(source)
        elif frame.tries < TRIES_MAX:
            self._ask(frame, self._slots(source, min(SLOTS_MAX, SLOTS_MIN << frame.tries)))
        else:
            self._medium.fail(source)
            self._go_on(source)

    def _is_acknowledged(self, frame: Frame) -> bool:
        source, target = frame.source, frame.target
        place = self.reach.place(source, target)
        if place < 0 or not self._medium.is_listening(target):
            return False
        _heard_by, strengths, losses = self.reach.paths(source)
        dbm, loss = strengths[place], losses[place]
        if self._is_drowned(frame.sound, target, dbm):
            self._counts[_COLLIDED][target] += 1
            return False
        chance = self._chance(source)[1]
        if loss and chance.below(1000) < loss:
            self._counts[_FADED][target] += 1
            return False
        if not frame.is_taken:
            # One that comes again, since its acknowledgement was lost, is known by its number.
            frame.is_taken = self._medium.hand_over(source, target, dbm, frame.data)
        if not frame.is_taken:
            return False
        self._counts[_AIR_US][target] += ACK_US
        self._again_us[target] += ACK_US
        self._medium.on_sending(target)
        return not loss or chance.below(1000) >= loss

    def _go_on(self, source: int) -> None:
        held = self._held.pop(source, None) or []
        for frame in held:
            self._queue(frame)
