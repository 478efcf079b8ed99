"""Frames that wait to be sent: until the step ends, or until the radio is on.

An application may publish at any moment, from a task of its own on a board too; only the driver's
next step transmits. What is more urgent leaves first, and takes the place of what is less urgent
when all places are taken; a message of several frames keeps or loses all of them.

Input    commit(kind, target, link, length) of the spare buffer, make_room, flush(…, out)
Effects  out.send(link, buffer, length)
Bounds   OUTBOX_FRAMES_MAX frames and the spare one. The first two are there from the start; each
         of the others is allocated when so many wait first, and kept; without heap for it, what
         waits is as many as it can be
"""

from array import array

from ..codec.frame import BROADCAST, VALUE_KINDS
from ..errors import DROP_FULL
from ..limits import FRAME_BYTES_MAX, OUTBOX_FRAMES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import DropCounter, FrameSink

# By kind, the lowest number leaves first: announcements keep the cluster together, who asked or
# answered waits, a pong or a report of figures can be had again.
_PRIORITY = b"\x00\x00\x03\x03\x02\x03\x01\x01\x03\x03\x03\x03\x03"

# What is known of the frame in a slot, a byte each.
_ROW = 4
_KIND, _CAST, _LINK, _LENGTH = range(_ROW)


class Outbox:
    """A few frames, the most urgent first, equally urgent ones in the order they were made."""

    def __init__(self, meters: "DropCounter", count_max: int = OUTBOX_FRAMES_MAX) -> None:
        self.spare = bytearray(FRAME_BYTES_MAX)  # for the next frame; it counts once committed
        self._meters = meters
        self._count_max = count_max
        # One more than may wait: a frame is made in the spare one, before its place is sure.
        self._frames = [self.spare, bytearray(FRAME_BYTES_MAX)]
        self._rows = bytearray(_ROW * (count_max + 1))
        self._groups = array("H", [0] * (count_max + 1))  # not 0: frames of one message
        # The slots: the first `count` wait, the next one is the spare one, the rest are free.
        self._order = bytearray(range(count_max + 1))
        self.count = 0

    def commit(self, kind: int, target: int, link: int, length: int, group: int = 0) -> bool:
        """Add the spare buffer as a frame; False if there is no place for it, and it is dropped.

        Shape: `kind` is that of the message, for a fragment too; `group` numbers its frames.
        """
        # One frame more than wait is the spare one, and its place is sure with another.
        if self.count + 1 == len(self._frames) and not self.make_room(kind, 1):
            return False
        order, rows, place = self._order, self._rows, self.count
        slot, urgency = order[place], _PRIORITY[kind]
        while place and _PRIORITY[rows[_ROW * order[place - 1] + _KIND]] > urgency:
            order[place] = order[place - 1]
            place -= 1
        order[place] = slot
        self._groups[slot] = group
        at = _ROW * slot
        rows[at + _KIND] = kind
        rows[at + _CAST] = 1 if target == BROADCAST else 0
        rows[at + _LINK] = link
        rows[at + _LENGTH] = length
        self.count += 1
        self.spare = self._frames[order[self.count]]
        return True

    def make_room(self, kind: int, count: int) -> bool:
        """Drop what is less urgent than a kind until so many frames fit, else that message."""
        self._grow(count)
        capacity = len(self._frames) - 1
        free, behind = capacity - self.count, self.count
        while free < count and behind:
            behind -= 1
            free += 1
            waiting = self._rows[_ROW * self._order[behind] + _KIND]
            if _PRIORITY[waiting] <= _PRIORITY[kind]:
                free = -1
                break
        if free < count:
            self._meters.drop(DROP_FULL, kind)
            return False
        while capacity - self.count < count:
            self._drop_last()
        return True

    def _grow(self, count: int) -> None:
        frames = self._frames
        try:
            while len(frames) <= min(self._count_max, self.count + count):
                frames.append(bytearray(FRAME_BYTES_MAX))
        except MemoryError:  # then what waits has to make room
            pass

    def drop_application(self, reason: int) -> None:
        """Drop the messages, requests and responses that wait."""
        order, kept, group = self._order, 0, 0
        for place in range(self.count):
            slot = order[place]
            kind = self._rows[_ROW * slot + _KIND]
            if kind in VALUE_KINDS:
                if not group or self._groups[slot] != group:
                    self._meters.drop(reason, kind)
                group = self._groups[slot]
            else:
                order[place] = order[kept]
                order[kept] = slot
                kept += 1
        self._shrink(kept)

    def _drop_last(self) -> None:
        last = self.count - 1
        slot = self._order[last]
        group = self._groups[slot]
        self._meters.drop(DROP_FULL, self._rows[_ROW * slot + _KIND])
        while group and last and self._groups[self._order[last - 1]] == group:
            last -= 1
        self._shrink(last)

    def _shrink(self, count: int) -> None:
        # The spare slot follows the last one that waits; the frame in it may be half made.
        order, spare = self._order, self._order[self.count]
        order[self.count] = order[count]
        order[count] = spare
        self.count = count

    def flush(self, sequences: "list[int]", out: "FrameSink") -> int:
        """Number and send all frames, the most urgent first; return how many."""
        count, rows, place = self.count, self._rows, 0
        while place < count:
            slot = self._order[place]
            buffer, at = self._frames[slot], _ROW * slot
            cast = rows[at + _CAST]
            sequence = sequences[cast]
            buffer[12] = sequence >> 8
            buffer[13] = sequence & 0xFF
            # A frame that is refused on its way out never was: the next one has its number.
            if out.send(rows[at + _LINK], buffer, rows[at + _LENGTH]) is not False:
                sequences[cast] = (sequence + 1) & 0xFFFF
            place += 1
        self._shrink(0)
        return count
