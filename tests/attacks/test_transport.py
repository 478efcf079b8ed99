"""Attacks 22, 25, 26 and 81 to 89: what comes late, twice, changed, from nobody, or not at all."""

import random
from typing import Any

from attacks.air import (
    LIAR,
    NEW,
    OTHER,
    Target,
    changed_pieces,
    fields_of,
    good_edge,
    in_place_of_blocks,
    kind_of,
    pieces_in,
    release,
    said,
    session,
)
from attacks.attack import attack, check, stopped
from attacks.places import BUDGET, FETCHING, GATHERING, INTAKE, OFFERING, SERVING, TALK

from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.budget import SESSION_MS
from cma_toolkit.firmware.kernel.release.serving import Serving
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import DONE_SPENT, DONE_STUCK
from cma_toolkit.firmware.kernel.ticks import ticks_add
from cma_toolkit.host_tools.release.published import Published
from support.updating import Air, EdgeStation, part_of

EVERY_BLOCK = check(
    "the digest of a block",
    INTAKE,
    "if block is None or not is_block(self._index, part.part, block):",
    "if block is None:",
)
ASKING_AGAIN = check(
    "asking again", FETCHING, "or self._tries >= TRIES_MAX:", "or self._tries >= 1:"
)


def test_a_board_gets_what_it_is_offered() -> None:
    board = Target()
    session(board, good_edge())
    assert board.has() and board.flash.blocks_written == 3


@attack(
    check(
        "the boards that an offer names",
        OFFERING,
        "(not fields[NODES] or self._node in fields[NODES])",
        "True",
    )
)
def test_attack_22_release_for_another_device() -> None:
    named, other = Target(1), Target(2)
    session(named, good_edge(1))
    assert named.has()
    session(other, good_edge(1))
    stopped(Update(other.installation).whole() < 0, "it is taken")
    assert Update(other.installation).filling() < 0


@attack(
    check(
        "the length of a session",
        BUDGET,
        "        self.span_ms = SESSION_MS",
        "        self.span_ms = 1 << 28",
    )
)
def test_attack_25_slow_retrieval() -> None:
    """A piece a second keeps a radio on that costs a hundred times what sleeping does."""
    board, last = Target(), [0, 0]
    air: Air

    def slowly(fields: list[Any]) -> list[Any] | None:
        if air.now_ms - last[0] < 1_200:
            return None
        last[0] = air.now_ms
        return fields

    edge = good_edge()
    air = Air([edge, board], meddle=changed_pieces(slowly))
    air.start()
    air.run(600_000, lambda: bool(board.outcome))
    stopped(air.now_ms <= SESSION_MS + 1_000, f"the radio is on for {air.now_ms} ms")
    assert board.outcome == DONE_SPENT
    session(board, good_edge())
    assert board.has()


@attack(check("giving up", FETCHING, "or self._tries >= TRIES_MAX:", "or False:"))
def test_attack_26_requests_dropped() -> None:
    board = Target()
    air = session(
        board,
        good_edge(),
        meddle=lambda _source, _target, frame: [frame] * (kind_of(frame) != talk.KIND_WANT),
    )
    stopped(air.now_ms < 20_000, f"it asks nobody for {air.now_ms} ms")
    assert board.outcome == DONE_STUCK
    session(board, good_edge())
    assert board.has()


@attack(ASKING_AGAIN)
def test_attack_81_lost_pieces() -> None:
    for loss in (0.01, 0.1, 0.3, 0.5):
        board = Target()
        for seed in range(4):
            session(board, good_edge(), loss=loss, seed=seed)
            if board.has():
                break
        stopped(board.has(), f"not there with a loss of {loss}")


@attack(
    check(
        "the place of a piece",
        GATHERING,
        "held.data[index * PIECE_BYTES : index * PIECE_BYTES + len(data)] = data",
        "at = piece_count(len(held.data)) - bin(held.missing).count('1'); "
        "held.data[at * PIECE_BYTES : at * PIECE_BYTES + len(data)] = data",
    )
)
def test_attack_82_pieces_out_of_order() -> None:
    board, draw, held = Target(), random.Random(82), []

    def shuffle(source: int, _target: int, frame: bytes) -> list[bytes]:
        if source != 99 or kind_of(frame) != talk.KIND_PIECE:
            return [frame]
        held.append(frame)
        draw.shuffle(held)
        return [held.pop()] if len(held) > 2 else []

    for _ in range(3):
        session(board, good_edge(), meddle=shuffle)
        if board.has():
            break
    stopped(board.has(), "it never comes")


@attack(
    check(
        "a piece counts once",
        GATHERING,
        "        if not held.missing & bit:\n            return None",
        "        if False:\n            return None",
        (GATHERING, "held.missing &= ~bit", "held.missing ^= bit"),
    )
)
def test_attack_83_pieces_twice() -> None:
    board = Target()
    session(board, good_edge(), meddle=lambda _source, _target, frame: [frame, frame])
    stopped(board.has(), "it never comes")


@attack(EVERY_BLOCK)
def test_attack_84_corrupt_pieces() -> None:
    board, draw, spoilt = Target(), random.Random(84), [0]

    def spoil(fields: list[Any]) -> list[Any]:
        data = bytearray(fields[-1])
        if fields[2] < talk.PART_INDEX and draw.random() < 0.04:
            spoilt[0] += 1
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        return [*fields[:-1], bytes(data)]

    for _ in range(30):
        session(board, good_edge(), meddle=changed_pieces(spoil))
        if board.has():
            break
    stopped(board.has(), "it never comes")
    assert spoilt[0]


@attack(
    check(
        "the shape of a frame",
        TALK,
        "        if not _has_shape(fields[place], shape[place]):\n            return None",
        "        if False:\n            return None",
    )
)
def test_attack_84_frames_of_anything() -> None:
    """Fields of other kinds and sizes, frames cut off, bits flipped: beside those of an edge."""
    for seed in range(25):
        board, draw = Target(), random.Random(seed)

        def meddle(
            source: int, _target: int, frame: bytes, draw: random.Random = draw
        ) -> list[bytes]:
            return [frame, hostile(draw, frame, draw.choice([LIAR, source]))]

        session(board, good_edge(is_delta=True), meddle=meddle, seed=seed)
        board.boot()


NUMBERS = (0, 1, 24, 64, 65, 66, 128, 130, 255, 4_096, (1 << 30) - 1, 1 << 30, 1 << 41, -1)


def hostile(draw: random.Random, frame: bytes, node: int) -> bytes:
    """Return a frame like another one, with something else in it."""
    fields = fields_of(frame)
    fields[draw.randrange(len(fields))] = anything(draw)
    made = bytearray(said(kind_of(frame), fields, node))
    if draw.random() < 0.3:
        made[draw.randrange(len(made))] ^= 1 << draw.randrange(8)
    return bytes(made[: draw.randrange(len(made))] if draw.random() < 0.1 else made)


def anything(draw: random.Random) -> object:
    """Return any value that CBOR has."""
    nested = [draw.choice(NUMBERS) for _ in range(draw.randrange(4))]
    others = [nested, draw.randbytes(draw.randrange(12)), True, None, "text", 1.5]
    return draw.choice([*others, draw.choice(NUMBERS)])


@attack(EVERY_BLOCK)
def test_attack_85_pieces_of_another_image() -> None:
    board, other = Target(), release(OTHER, 3)

    session(board, good_edge(), meddle=in_place_of_blocks(lambda part: other.coded(part, 0)))
    assert not board.has() and not board.flash.blocks_written
    session(board, good_edge())
    stopped(board.has(), "it never comes")


@attack(
    check(
        "one offer of a generation",
        OFFERING,
        "            if not is_later:\n                return False",
        "            if False:\n                return False",
    )
)
def test_attack_86_two_updates_at_once() -> None:
    """Two edges offer different releases, and others are made up after each piece."""
    board, second, offers = Target(), EdgeStation(98), list[list[Any]]()
    draw = random.Random(1)
    board.flash.known = (NEW, OTHER)
    second.offer(release(OTHER, 3))

    def repeat(source: int, _target: int, frame: bytes) -> list[bytes]:
        if kind_of(frame) == talk.KIND_OFFER and source == second.node:
            offers[:] = [fields_of(frame)]
        if kind_of(frame) != talk.KIND_PIECE or not offers:
            return [frame]
        again = list(offers[0])
        again[talk.DIGEST] = draw.randbytes(talk.DIGEST_BYTES)
        return [frame, said(talk.KIND_OFFER, again)]

    session(board, good_edge(), second, meddle=repeat)
    stopped(board.has(NEW) or board.has(OTHER), "neither comes")


@attack(
    check(
        "blocks that are there already",
        INTAKE,
        "have[number] = not lacks",
        "have[number] = 0",
    ),
    check(
        "putting pieces away",
        INTAKE,
        "if log is not None and not self.gathering.has_failed:",
        "if False:",
    ),
)
def test_attack_87_sender_that_vanishes() -> None:
    """It vanishes after so many pieces, and another one goes on where it was."""
    needed = pieces_in(session(Target(), good_edge()))
    for after in range(0, needed, 7):
        board, passed = Target(), [0]

        def vanish(
            fields: list[Any], after: int = after, passed: list[int] = passed
        ) -> list[Any] | None:
            passed[0] += 1
            return fields if passed[0] <= after else None

        session(board, good_edge(), meddle=changed_pieces(vanish))
        assert not board.has()
        board.boot()
        air = session(board, good_edge(node=97))
        stopped(board.has(), "it never comes")
        again = pieces_in(air) - (needed - after)
        stopped(again <= 1, f"{again} of {after} pieces come again")


class MadeUp(Published):
    """Under the name of a release: blocks of another one, documents that nobody signed."""

    def coded(self, part: int, base: int) -> tuple[int, bytes] | None:
        """Return something for every part there is."""
        found = super().coded(part, base)
        if found is None or part < talk.PART_INDEX:
            return found
        form, data = found
        return form, data[:-1] + bytes([data[-1] ^ 1])


class Eager(Serving):
    """Lets nobody go first."""

    def _later(self, now_ms: int) -> int:
        return ticks_add(now_ms, 1)


def liar() -> EdgeStation:
    """Return a neighbour that answers every want, before any other, with what it makes up."""
    good, station = release(NEW, 2), EdgeStation(LIAR)
    made_up = MadeUp(part_of(OTHER, 2), good.coded(talk.PART_TIMESTAMP, 0)[1], {1: b"root"})
    made_up.tag, made_up.digest = good.tag, good.digest
    station.offer(made_up)
    station.machine._serving.__class__ = Eager
    return station


BLAME = check(
    "finding out whose fault it is",
    GATHERING,
    "        if len(sources) > 1:\n            self._suspects[part] = sources\n            return",
    "        if sources:\n            return",
)


@attack(BLAME)
def test_attack_88_malicious_neighbour() -> None:
    board = Target()
    session(board, good_edge(), liar())
    stopped(board.has(), "a liar keeps it from coming")


@attack(BLAME)
def test_attack_47_one_bad_mirror_of_three() -> None:
    board = Target()
    session(board, good_edge(), liar(), good_edge(node=97))
    stopped(board.has(), "one bad mirror keeps it from coming")


@attack(
    check(
        "leaving out what another sends",
        SERVING,
        "            if piece_of(coded[1], index) == data:",
        "            if False:",
    )
)
def test_attack_89_storm_of_broadcasts() -> None:
    """Eight boards have a release, eight lack it, all in reach of each other."""
    have = [Target(node) for node in range(1, 9)]
    for board in have:
        session(board, good_edge())
        assert board.has()
        board.boot()
    lack = [Target(node) for node in range(11, 19)]
    air = session(lack[0], *lack[1:], *have, good_edge())
    air.run(600_000)
    assert all(board.has() for board in lack)
    alone = pieces_in(session(Target(30), good_edge()))
    stopped(pieces_in(air) <= 6 * alone, f"{pieces_in(air)} pieces, where one board takes {alone}")
