"""A cluster under attack: boards that fetch a release, edges that have it, and who meddles."""

import functools
from collections.abc import Callable
from typing import Any

from attacks.attack import SucceededError, stopped

from cma_toolkit.firmware.kernel.codec.frame import read_source
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.release import layout, talk
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release.published import Published
from support.updating import (
    EDGE_NODE,
    NETWORK,
    SECTORS,
    Air,
    EdgeStation,
    RomfsFlash,
    UpdatingBoard,
    changed,
    image,
    part_of,
    published,
)

SIZE = 9_000  # three blocks, the last one short
OLD = image(1, SIZE)
NEW = changed(OLD)[:SIZE]
OTHER = image(9, SIZE)
LIAR = 66
Meddle = Callable[[int, int, bytes], list[bytes]]


class WatchedFlash(RomfsFlash):
    """Flash that says at once when a block is programmed that nobody signed, or out of place."""

    is_watched = False
    blocks_written = 0
    known = (NEW,)

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Program, if it is what a release that is known has there."""
        start = layout.slot_at(1, SECTORS) * layout.SECTOR_BYTES
        at = address - start
        if self.is_watched and 0 <= at < len(NEW) and not at % BLOCK_BYTES:
            self.blocks_written += 1
            size = min(BLOCK_BYTES, len(NEW) - at)
            is_one = bytes(data[:size]) in {each[at : at + size] for each in self.known}
            stopped(is_one, "a block that nobody signed is programmed")
        elif self.is_watched and len(data) == BLOCK_BYTES:
            stopped(False, "a block is programmed where none belongs")
        super().program(address, data)


class Target(UpdatingBoard):
    """The board that is attacked."""

    def __init__(self, node: int = 1, runs: bytes = OLD) -> None:
        super().__init__(node, runs)
        watched = WatchedFlash()
        watched.__dict__.update(self.flash.__dict__)
        watched.is_watched = True
        self.flash = watched
        self.boot()

    def has(self, release: bytes = NEW) -> bool:
        """Tell whether a release is here, whole and as it was signed."""
        return self.outcome == DONE_WHOLE and self.image(len(release)) == release


def good_edge(*nodes: int, node: int = EDGE_NODE, is_delta: bool = False) -> EdgeStation:
    """Return an edge that has the new release."""
    station = EdgeStation(node)
    station.offer(release(NEW, 2, is_delta=is_delta), *nodes)
    return station


@functools.cache
def release(data: bytes, sequence: int, *, is_delta: bool = False) -> Published:
    """Return a release as all edges have it, with deltas from the old one or without."""
    return published(part_of(data, sequence), [OLD] if is_delta else [])


def session(
    board: UpdatingBoard,
    *others: Any,
    meddle: Meddle | None = None,
    loss: float = 0.0,
    seed: int = 1,
) -> Air:
    """Let a board have one session; a crash of it is the attacker's."""
    if board.outcome:
        board.boot()
    air = Air([*others, board], loss, seed, meddle=meddle)
    air.start()
    try:
        air.run(600_000, lambda: bool(board.outcome))
    except SucceededError:
        raise
    except Exception as error:
        raise SucceededError(repr(error)) from error
    return air


def kind_of(frame: bytes) -> int:
    """Return of which kind a frame is."""
    return frame[1]


def fields_of(frame: bytes) -> list[Any]:
    """Return what a frame says."""
    fields = talk.read(frame[1], memoryview(frame)[HEADER_BYTES:])
    assert fields is not None
    return fields


def said(kind: int, fields: list[Any], node: int = LIAR, sequence: int = 0) -> bytes:
    """Return a frame of any node."""
    return bytes(talk.write(Identity("liar", node, NETWORK, ""), kind, fields, sequence))


def changed_pieces(
    change: Callable[[list[Any]], list[Any] | None], source: int = EDGE_NODE
) -> Meddle:
    """Return a meddler that changes the pieces of an edge on their way, or drops them for None."""

    def meddle(sender: int, _target: int, frame: bytes) -> list[bytes]:
        if sender != source or kind_of(frame) != talk.KIND_PIECE:
            return [frame]
        fields = change(fields_of(frame))
        return [] if fields is None else [said(talk.KIND_PIECE, fields, read_source(frame))]

    return meddle


def in_place_of_blocks(craft: Callable[[int], tuple[int, bytes] | None]) -> Meddle:
    """Return a meddler that has all of another form and other bytes come for any piece of a block.

    What `craft` returns None for comes as it is.
    """

    def meddle(source: int, _target: int, frame: bytes) -> list[bytes]:
        if source != EDGE_NODE or kind_of(frame) != talk.KIND_PIECE:
            return [frame]
        tag, _form, part, _size, _index, _data = fields_of(frame)
        coded = craft(part) if part < talk.PART_INDEX else None
        if coded is None:
            return [frame]
        form, data = coded
        return [
            said(
                talk.KIND_PIECE,
                [tag, form, part, len(data), index, talk.piece_of(data, index)],
                read_source(frame),
            )
            for index in range(talk.piece_count(len(data)))
        ]

    return meddle


def pieces_in(air: Air) -> int:
    """Return how many pieces were sent."""
    return sum(kind_of(frame) == talk.KIND_PIECE for _, _, frame in air.sent)
