"""Windows of VCDIFF: what one block of an image has that another image has not.

Pure. What makes them small: a source's span no longer than what is copied from, and addresses
near the last ones. Written for images that a few files more or less have shifted.

Source   RFC 3284, sections 4 to 6: the default code table, no secondary compression
"""

from dataclasses import dataclass, field

SEED_BYTES = 4  # the least that is copied
_CHAIN_MAX = 24  # places in the source that are tried for one in the target
_NEAR, _SAME = 4, 3


@dataclass(frozen=True)
class Step:
    """Bytes to add, then a copy of `size` bytes from an address of source and target in a row."""

    added: bytes
    address: int
    size: int


class Source:
    """An image that blocks are copied from, with all its seeds found once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._places: dict[bytes, list[int]] = {}
        for at in range(len(data) - SEED_BYTES + 1):
            self._places.setdefault(data[at : at + SEED_BYTES], []).append(at)

    def window(self, block: bytes, position: int) -> bytes:
        """Return the window of a block that stands at a position of its own image."""
        steps = self._steps(block, position)
        copied = [step for step in steps if 0 <= step.address < len(self.data) and step.size]
        start = min((step.address for step in copied), default=0)
        end = max((step.address + step.size for step in copied), default=0)
        return _Writer(start, end - start).write(steps, block)

    def _steps(self, block: bytes, position: int) -> list[Step]:
        steps, added_from, at, shift = [], 0, 0, 0
        while at < len(block):
            address, size = self._longest(block, at, position + at + shift)
            if size < (SEED_BYTES if address == position + at + shift else SEED_BYTES + 2):
                at += 1
                continue
            while at > added_from and address and block[at - 1] == self.data[address - 1]:
                at, address, size = at - 1, address - 1, size + 1
            steps.append(Step(block[added_from:at], address, size))
            shift = address - position - at
            at += size
            added_from = at
        if added_from < len(block):
            steps.append(Step(block[added_from:], -1, 0))
        return steps

    def _longest(self, block: bytes, at: int, expected: int) -> tuple[int, int]:
        """Return where the source has the most of what stands here, and how much."""
        places = self._places.get(block[at : at + SEED_BYTES], ())
        best, size = 0, 0
        if 0 <= expected < len(self.data):
            best, size = expected, _common(self.data, expected, block, at)
        for place in places[:_CHAIN_MAX]:
            length = _common(self.data, place, block, at)
            if length > size + (4 if best == expected else 0):
                best, size = place, length
        return best, size


def _common(left: bytes, left_at: int, right: bytes, right_at: int) -> int:
    size, most = 0, min(len(left) - left_at, len(right) - right_at)
    step = 64
    while size < most:
        part = min(step, most - size)
        a, b = left_at + size, right_at + size
        if left[a : a + part] == right[b : b + part]:
            size += part
        elif part == 1:
            break
        else:
            step = max(1, part // 2)
    return size


@dataclass
class _Writer:
    start: int  # of the source's span
    size: int
    near: list[int] = field(default_factory=lambda: [0] * _NEAR)
    near_at: int = 0
    same: list[int] = field(default_factory=lambda: [0] * (_SAME * 256))
    data: bytearray = field(default_factory=bytearray)
    codes: bytearray = field(default_factory=bytearray)
    addresses: bytearray = field(default_factory=bytearray)

    def write(self, steps: list[Step], block: bytes) -> bytes:
        done = 0
        for step in steps:
            self.data += step.added
            done += len(step.added)
            if not step.size:
                self._add(len(step.added))
                continue
            mode = self._address(step.address - self.start, self.size + done)
            self._add_and_copy(len(step.added), step.size, mode)
            done += step.size
        head = b"\x01" + _number(self.size) + _number(self.start) if self.size else b"\x00"
        sections = (self.data, self.codes, self.addresses)
        body = _number(len(block)) + b"\0" + b"".join(_number(len(part)) for part in sections)
        body += b"".join(sections)
        return head + _number(len(body)) + body

    def _add(self, size: int) -> None:
        if 0 < size < 18:
            self.codes.append(1 + size)
        elif size:
            self.codes += b"\x01" + _number(size)

    def _copy(self, size: int, mode: int) -> None:
        if SEED_BYTES <= size < 19:
            self.codes.append(19 + mode * 16 + size - 3)
        else:
            self.codes.append(19 + mode * 16)
            self.codes += _number(size)

    def _add_and_copy(self, added: int, size: int, mode: int) -> None:
        if 0 < added < 5 and mode < 6 and 4 <= size < 7:
            self.codes.append(163 + mode * 12 + (added - 1) * 3 + size - 4)
        elif 0 < added < 5 and mode >= 6 and size == 4:
            self.codes.append(235 + (mode - 6) * 4 + added - 1)
        else:
            self._add(added)
            self._copy(size, mode)

    def _address(self, address: int, here: int) -> int:
        """Write an address in the way that takes least; return its mode."""
        ways = [(_number(address), 0), (_number(here - address), 1)]
        ways += [
            (_number(address - near), 2 + slot)
            for slot, near in enumerate(self.near)
            if near <= address
        ]
        place = address % (_SAME * 256)
        if self.same[place] == address:
            ways.append((bytes([place % 256]), 2 + _NEAR + place // 256))
        text, mode = min(ways, key=lambda way: (len(way[0]), way[1]))
        self.addresses += text
        self.near[self.near_at] = address
        self.near_at = (self.near_at + 1) % _NEAR
        self.same[place] = address
        return mode


def _number(value: int) -> bytes:
    text = bytes([value & 0x7F])
    while value > 0x7F:
        value >>= 7
        text = bytes([value & 0x7F | 0x80]) + text
    return text
