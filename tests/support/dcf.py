"""802.11's way to share the air, slot by slot, for stations that all hear each other."""

import random
from dataclasses import dataclass

SLOTS_MAX = 32
DIFS_SLOTS = 2.5


@dataclass
class Burst:
    """What came of one frame from each of some stations."""

    collided: int = 0
    slots: int = 0  # from the first instant at which one could be sent to the end of the last


def send_all(stations: int, frame_slots: int, ready_slots: int, rng: random.Random) -> Burst:
    """Let each station send one frame, ready within so many slots, and count what collides."""
    ready = [rng.randrange(ready_slots) for _ in range(stations)]
    left: list[int | None] = [None] * stations  # slots to count, once the air was found busy
    waiting, burst = set(range(stations)), Burst()
    busy_until = 0
    while waiting:
        begins = []
        for station in sorted(waiting):
            counter = left[station]
            if burst.slots < ready[station]:
                continue
            if counter is None and (not busy_until or burst.slots >= busy_until + DIFS_SLOTS):
                begins.append(station)
            elif counter is None:
                left[station] = rng.randrange(SLOTS_MAX)
            elif burst.slots >= busy_until + DIFS_SLOTS:
                left[station] = counter - 1
                if not counter:
                    begins.append(station)
        if begins:
            waiting -= set(begins)
            burst.collided += len(begins) if len(begins) > 1 else 0
            busy_until = burst.slots + frame_slots
        burst.slots += 1
    burst.slots = busy_until
    return burst
