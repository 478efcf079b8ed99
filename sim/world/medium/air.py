"""What each agent hears of the air: who sends from when to when, and which frame drowns which.

Nothing here depends on the order in which sounds were noted.

Bounds   what is on the air now, or was just before
"""

from cma_toolkit.sim.world.medium.airtime import (
    ACK_US,
    CAPTURE_DB,
    DIFS_US,
    FRAME_US_MAX,
    SLOT_US,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.medium.reach import Reach

_KEEP_US = FRAME_US_MAX + ACK_US + 2_000  # what overlaps with a frame is known at its end


class Sound:
    """A frame that is on the air, and until when the air is kept free behind it."""

    def __init__(self, start_us: int, end_us: int, busy_us: int, source: int) -> None:
        self.start_us = start_us
        self.end_us = end_us
        self.busy_us = busy_us
        self.source = source

    def plain(self) -> tuple[int, int, int, int]:
        """Return what makes an equal one."""
        return self.start_us, self.end_us, self.busy_us, self.source


class Frame:
    """One frame on its way into the air and through it."""

    def __init__(self, source: int, target: int, data: bytes, number: int) -> None:
        self.source = source
        self.target = target  # an agent, or radio.ALL
        self.data = data
        self.number = number  # in the order of sending, at its source
        self.tries = 0
        self.asked_ms = 0
        self.ready_us = 0
        self.slots = 0  # after the air is found busy
        self.sound = Sound(0, 0, 0, source)
        self.is_cut = False  # its sender lost power


class Air:
    """The sounds that each agent hears or makes now, or did just before."""

    def __init__(self, reach: "Reach", count: int) -> None:
        self.reach = reach
        self.heard: list[list[Sound]] = [[] for _ in range(count)]

    def add(self, sound: Sound, now_ms: int) -> None:
        """Have a sound heard by whom it reaches, and by who makes it."""
        source, heard, oldest_us = sound.source, self.heard, now_ms * 1000 - _KEEP_US
        self._keep(source, sound, oldest_us)
        for agent in self.reach.paths(source).agents:
            sounds = heard[agent]
            if sounds and sounds[0].busy_us < oldest_us:
                self._keep(agent, sound, oldest_us)
            else:
                sounds.append(sound)

    def _keep(self, agent: int, sound: Sound, oldest_us: int) -> None:
        sounds = [other for other in self.heard[agent] if other.busy_us >= oldest_us]
        sounds.append(sound)
        self.heard[agent] = sounds

    def free_at_us(self, frame: Frame, span_us: int) -> int:
        """Return when a sender finds the air free for so long, by what it hears so far."""
        source, start_us = frame.source, frame.ready_us
        sounds = self.heard[source]
        counted_from_us = start_us  # it has not begun to count its slots
        while sounds:
            until_us, since_us = 0, start_us
            for other in sounds:
                busy_us, other_us = other.busy_us, other.start_us
                if busy_us <= start_us or other_us >= start_us + span_us:
                    continue
                if other.source == source or other_us <= start_us - SLOT_US:
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

    def _first_after(self, sounds: list[Sound], start_us: int, span_us: int) -> int:
        # What was settled to begin later stays so, and is let go first; who begins within a slot
        # of it does not hear it.
        until_us, first_us, first_end_us = 0, start_us + span_us, 0
        for other in sounds:
            other_us, end_us, busy_us = other.start_us, other.end_us, other.busy_us
            if not start_us + SLOT_US <= other_us <= first_us:
                continue
            if other_us < first_us or (until_us and (end_us, busy_us) < (first_end_us, until_us)):
                until_us, first_us, first_end_us = busy_us, other_us, end_us
        return until_us

    def is_drowned(self, sound: Sound, target: int, dbm: int) -> bool:
        """Tell whether a sound of that strength is not understood for what else is heard."""
        start_us, end_us = sound.start_us, sound.end_us
        for other in self.heard[target]:
            if other.start_us < end_us and other.end_us > start_us and other is not sound:
                talker = other.source
                # Who sends hears nothing.
                if talker == target:
                    return True
                other_dbm = self.reach.paths(talker).dbm[self.reach.place(talker, target)]
                if dbm < other_dbm + CAPTURE_DB:
                    return True
        return False
