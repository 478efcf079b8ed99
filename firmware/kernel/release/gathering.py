"""Parts of which some pieces are here and others are not.

A part that does not come to what was signed, though all of it came from one sender, is that
sender's fault; after STRIKES_MAX such faults it is not listened to any more. If it came from
several, each of them is asked for all of it, one after the other, until it is known whose fault
it was.

Input    take(source, part, form, size, index, data), restore(part, form, data, missing),
         fail(part), close(part), doubt(part)
Effects  none
Bounds   GATHERED_BYTES_MAX, BLAMED_MAX, SUSPECTS_MAX for a part; a part further back makes room
         for one further in front
"""

from .talk import PIECE_BYTES, piece_count

GATHERED_BYTES_MAX = 9_216  # one part of the largest, or some dozens of a delta
BLAMED_MAX = 8
STRIKES_MAX = 3  # air that changes a byte is no liar
SUSPECTS_MAX = 4
EARLIER = 0  # no node: whoever sent what an earlier session has left


class Part:
    """One part, and which pieces it lacks: bit n for piece n."""

    def __init__(self, part: int, form: int, size: int) -> None:
        self.part = part
        self.form = form
        self.data = bytearray(size)
        self.missing = (1 << piece_count(size)) - 1
        self.sources: "list[int]" = []
        self.is_disputed = False  # somebody says that it has another form, or another size

    def note(self, source: int) -> None:
        """Note who had a say in it."""
        if source not in self.sources and len(self.sources) < SUSPECTS_MAX:
            self.sources.append(source)


class Gathering:
    """The parts that are being gathered."""

    def __init__(self) -> None:
        self.parts: "dict[int, Part]" = {}
        self.blamed: "list[int]" = []
        self.has_failed = False  # some part was wrong, whoever's fault it was
        self._strikes: "list[int]" = []  # the last faults: whose they were
        self._suspects: "dict[int, list[int]]" = {}
        self._bytes = 0

    def missing(self, part: int) -> int:
        """Return which pieces of a part are wanted; 0: all, since nothing is known of it."""
        held = self.parts.get(part)
        return held.missing if held is not None else 0

    def sole(self, part: int) -> int:
        """Return from whom alone a part is taken, 0 for anybody."""
        suspects = self._suspects.get(part)
        return suspects[0] if suspects else 0

    def whom(self, part: int) -> int:
        """Return who is to be asked for a part, 0 for anybody."""
        held = self.parts.get(part)
        if self.blamed and held is not None:
            # What a liar sends again, others would leave out, and from a liar it is not taken.
            return held.sources[0] or held.sources[-1]
        return self.sole(part)

    def restore(self, part: int, form: int, data: bytearray, missing: int) -> "Part | None":
        """Go on with a part that an earlier session began; None if there is no room."""
        if self._bytes + len(data) > GATHERED_BYTES_MAX:
            return None
        held = self.parts[part] = Part(part, form, 0)
        held.data, held.missing = data, missing
        held.note(EARLIER)
        self._bytes += len(data)
        return held

    def take(  # noqa: PLR0917 - as they stand in a piece
        self, source: int, part: int, form: int, size: int, index: int, data: bytes
    ) -> "Part | None":
        """Take in a piece of a part that is wanted; return the part if it was the last one."""
        if source in self.blamed or self.sole(part) not in (0, source):
            return None
        held = self.parts.get(part)
        if held is None:
            if not self._make_room(part, size):
                return None
            held = self.parts[part] = Part(part, form, size)
            self._bytes += size
        held.note(source)
        if held.form != form or len(held.data) != size:
            held.is_disputed = True
            return None
        bit = 1 << index
        if not held.missing & bit:
            return None
        held.data[index * PIECE_BYTES : index * PIECE_BYTES + len(data)] = data
        held.missing &= ~bit
        return None if held.missing else held

    def close(self, part: int) -> None:
        """Forget a part: it is done with."""
        held = self.parts.pop(part, None)
        self._suspects.pop(part, None)
        if held is not None:
            self._bytes -= len(held.data)

    def fail(self, part: int) -> None:
        """Gather a part anew that was wrong, and find out whose fault that is."""
        sources = self.parts[part].sources
        self.close(part)
        self.has_failed = True
        if len(sources) > 1:
            self._suspects[part] = sources
            return
        if sources[0] == EARLIER:
            return
        self._strikes = self._strikes[1 - STRIKES_MAX * BLAMED_MAX :] + sources
        if self._strikes.count(sources[0]) >= STRIKES_MAX and sources[0] not in self.blamed:
            self.blamed = self.blamed[1 - BLAMED_MAX :] + sources

    def doubt(self) -> None:
        """Nothing came: go on to the next of those who are asked alone, and settle disputes."""
        for part in sorted(self._suspects):
            rest = self._suspects[part][1:]
            self.close(part)
            if rest:
                self._suspects[part] = rest
        for part in sorted(self.parts):
            if self.parts[part].is_disputed:
                sources = self.parts[part].sources
                self.close(part)
                self._suspects[part] = sources

    def _make_room(self, part: int, size: int) -> bool:
        while self._bytes + size > GATHERED_BYTES_MAX:
            last = max(self.parts) if self.parts else part
            if last <= part:
                return False
            self.close(last)
        return True
