"""Attacks 23, 37 and 40 to 45: blocks that unpack to too much, or to something else."""

import random
import zlib
from functools import lru_cache

from attacks.air import (
    NEW,
    OLD,
    SIZE,
    Target,
    fields_of,
    good_edge,
    in_place_of_blocks,
    kind_of,
    said,
    session,
)
from attacks.attack import attack, check, stopped, survived
from attacks.places import FETCHING, FORMS, INTAKE, UPDATE, VCDIFF
from attacks.test_transport import EVERY_BLOCK

from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.gathering import Part
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES, image_digest
from cma_toolkit.host_tools.release.delta import Source
from cma_toolkit.host_tools.release.published import inflate
from support.updating import changed

BASE = talk.tag_of(image_digest(OLD))
NO_DIGEST = (INTAKE, EVERY_BLOCK.edits[0].text, EVERY_BLOCK.edits[0].without)
ANY_SIZE = (
    INTAKE,
    "return held is not None and size <= block_bytes(held.manifest.size_bytes, part)",
    "return held is not None",
)


def block(part: int, image: bytes = NEW) -> bytes:
    """Return a block of an image."""
    return image[part * BLOCK_BYTES : (part + 1) * BLOCK_BYTES]


@lru_cache
def window(part: int, source: bytes = OLD) -> bytes:
    """Return the delta of a block of the new image."""
    return Source(source).window(block(part), part * BLOCK_BYTES)


def got_after(craft: object, form: int = 0, *, is_delta: bool = False) -> None:
    """Let a session bring crafted blocks; nothing of them counts, and the next one is good."""
    board = Target()
    meddle = in_place_of_blocks(lambda part: (form, craft(part)))  # type: ignore[operator]
    session(board, good_edge(is_delta=is_delta), meddle=meddle)
    assert not board.has()
    session(board, good_edge(is_delta=is_delta))
    stopped(board.has(), "the next one does not come")


@attack(check("the size of a block", *ANY_SIZE, NO_DIGEST))
def test_attack_23_data_longer_than_declared() -> None:
    got_after(lambda part: block(part) + bytes(200))


@attack(
    check(
        "the place of a block",
        FETCHING,
        "if part not in intake.wanted() or not intake.may_be(form, part, size):",
        "if False:",
        NO_DIGEST,
        (
            UPDATE,
            " and len(data) == block_bytes(self._board.slots[at].size_bytes, number)",
            "",
        ),
    )
)
def test_attack_37_block_in_the_place_of_something_else() -> None:
    """Behind the image lie papers, the journal that says what runs, and on a board other files."""
    board, count = Target(), [0]

    def beyond(_source: int, _target: int, frame: bytes) -> list[bytes]:
        if kind_of(frame) != talk.KIND_PIECE or fields_of(frame)[2] >= talk.PART_INDEX:
            return [frame]
        tag, form, _part, size, index, data = fields_of(frame)
        count[0] += 1
        forged = [tag, form, 40 + count[0] // 40, size, index, data]
        return [said(talk.KIND_PIECE, forged, 99), frame]

    session(board, good_edge(), meddle=beyond)
    stopped(board.has(), "it does not come")


@attack(
    check(
        "the size of what unpacks",
        FORMS,
        "return inflate(bytes(data), size)",
        "return inflate(bytes(data), 1 << 24)",
    )
)
def test_attack_40_decompression_bomb() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    bomb = packer.compress(bytes(3_000_000)) + packer.flush()
    assert len(bomb) <= BLOCK_BYTES
    board, most = Target(), [0]

    def unpack(data: bytes, size: int) -> bytes:
        made = inflate(data, size)
        most[0] = max(most[0], len(made))
        return made

    board.machine.intake._inflate = unpack
    meddle = in_place_of_blocks(lambda _part: (talk.FORM_DEFLATED, bomb))
    session(board, good_edge(), meddle=meddle)
    assert most[0] and not board.has()
    stopped(most[0] <= BLOCK_BYTES, f"{most[0]} bytes fill the heap")
    session(board, good_edge())
    assert board.has()


@attack(EVERY_BLOCK)
def test_attack_41_delta_on_another_base() -> None:
    """It is made for a release that differs from the one that runs by a function elsewhere."""
    other = changed(OLD, 5)[:SIZE]
    got_after(lambda part: window(part, other), BASE, is_delta=True)


def ready() -> Target:
    """Return a board that lacks nothing but the blocks."""
    board = Target()
    meddle = in_place_of_blocks(lambda part: (0, b"\0"))
    session(board, good_edge(is_delta=True), meddle=meddle)
    board.boot()
    board.machine.intake.begin([1, 2, board_digest(board), 0, 1, [BASE], []])
    assert board.machine.intake.holding
    return board


def board_digest(board: Target) -> bytes:
    """Return by what the release is offered that a board is fetching."""
    slot = board.installation.slots[1]
    return slot.document[: talk.DIGEST_BYTES]


def give(board: Target, number: int, form: int, data: bytes) -> None:
    """Hand a block's whole part to a board."""
    part = Part(number, form, len(data))
    part.data[:] = data
    part.missing, part.sources = 0, [99]
    intake = board.machine.intake
    intake.gathering.parts[number] = part
    survived(lambda: intake.take(part))


@attack(EVERY_BLOCK)
def test_attack_42_delta_corrupt_at_every_byte() -> None:
    board = ready()
    for number in range(3):
        data = window(number)
        for at in range(len(data)):
            for flip in (1, 0x80, 0xFF):
                spoilt = bytearray(data)
                spoilt[at] ^= flip
                give(board, number, BASE, bytes(spoilt))
        give(board, number, BASE, data)
        stopped(board.machine.intake.holding.have[number], "the good one is refused")


def number(value: int) -> bytes:
    """Return an integer as VCDIFF has it."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def crafted(
    told: bytes,
    added: bytes = b"",
    addresses: bytes = b"",
    target: int = BLOCK_BYTES,
    span: tuple[int, int] | None = None,
) -> bytes:
    """Return a window that says what it is told to."""
    body = number(target) + b"\0" + b"".join(number(len(x)) for x in (added, told, addresses))
    body += added + told + addresses
    head = b"\1" + number(span[0]) + number(span[1]) if span else b"\0"
    return head + number(len(body)) + body


RUN, ADD, COPY = b"\x00", b"\x01", b"\x13"  # each with its size behind it
LONGER = {
    "says so": crafted(RUN + number(5_000), b"x", target=5_000),
    "a run": crafted(RUN + number(5_000), b"x"),
    "one run more": crafted(RUN + number(4_000) + RUN + number(4_000), b"xy"),
    "bytes": crafted(RUN + number(4_000) + ADD + number(300), b"x" + bytes(300)),
    "a copy": crafted(COPY + number(5_000), b"", number(0), span=(6_000, 0)),
    "a copy of itself": crafted(RUN + number(9) + COPY + number(5_000), b"x", number(0)),
    "for ever": crafted(RUN + number((1 << 30) - 1), b"x"),
}
BEYOND = {
    "a span beyond the image": crafted(COPY + number(4_096), b"", number(0), span=(4_096, 8_000)),
    "a span beyond the flash": crafted(
        COPY + number(4_096), b"", number(0), span=(4_096, (1 << 29) - 9_000)
    ),
    "an address ahead": crafted(COPY + number(4_096), b"", number(9_999), span=(4_096, 0)),
    "an address before": crafted(b"\x23" + number(4_096), b"", number(99), span=(50, 0)),
    "more than is added": crafted(ADD + number(4_096), bytes(9)),
    "no more instructions": crafted(RUN + number(9), b"x"),
    "a number of no end": b"\0" + b"\xff" * 40,
    "nothing": b"\0",
}


def unharmed(windows: dict[str, bytes]) -> None:
    """Let a board take windows in the place of a block; each is refused, the good one taken."""
    board = ready()
    for what, data in windows.items():
        give(board, 0, BASE, data)
        stopped(not board.machine.intake.holding.have[0], what)
    for number_of in range(3):
        give(board, number_of, BASE, window(number_of))
    stopped(board.machine.intake.is_whole, "the good one is refused")


@attack(
    check(
        "the end of the target",
        VCDIFF,
        "        if self._done > len(self._target):",
        "        if False:",
        (
            VCDIFF,
            '    except IndexError:\n        raise DeltaError("cut short")',
            "    except IndexError:\n        raise",
        ),
    )
)
def test_attack_43_delta_longer_than_declared() -> None:
    unharmed(LONGER)


@attack(
    check(
        "the end of the source",
        VCDIFF,
        "or self._from + self._size > source_bytes:",
        "or False:",
    ),
    check(
        "addresses of what there is",
        VCDIFF,
        "        if not 0 <= address < here:",
        "        if False:",
        (
            VCDIFF,
            '    except IndexError:\n        raise DeltaError("cut short")',
            "    except IndexError:\n        raise",
        ),
    ),
)
def test_attack_44_delta_that_reads_out_of_bounds() -> None:
    unharmed(BEYOND)


@attack(EVERY_BLOCK)
def test_attack_45_wrong_encryption_key() -> None:
    """What came is nothing but noise: nobody asks what it was encrypted with."""
    key = random.Random(45).randbytes(BLOCK_BYTES)
    got_after(lambda part: bytes(a ^ b for a, b in zip(block(part), key, strict=False)))
