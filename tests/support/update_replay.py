"""Let an updater hear what one heard, on one runtime, and print what it did.

Runs on both: `update_replay.py FILE`; its first line is a JSON object of the board, each other
line an instant and a frame, or an instant alone at which its time was served.
"""

import io
import json
import sys
from binascii import hexlify, unhexlify
from hashlib import sha256

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.budget import Budget
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.slots import COST_ORDERLY
from cma_toolkit.firmware.kernel.release.updater import Updater
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.world.hardware.flash import NorFlash

SECTORS = layout.PARTITION_BYTES // layout.SECTOR_BYTES
WINDOW_BITS = 12


class RomfsFlash(NorFlash):
    """The partition of a board."""

    sector_count = SECTORS


class Deeds:
    """What the updater did."""

    def __init__(self) -> None:
        self.frames = sha256()
        self.count = 0
        self.outcome = 0

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Fold a frame in."""
        self.frames.update(bytes(memoryview(buffer)[:length]))
        self.count += 1

    def done(self, outcome: int) -> None:
        """Note the end."""
        self.outcome = outcome


def inflate(data: bytes, size: int) -> bytes:
    """Unpack a block as the runtime does it."""
    if sys.implementation.name == "micropython":
        import deflate

        return deflate.DeflateIO(io.BytesIO(data), deflate.RAW, WINDOW_BITS).read(size)
    import zlib

    return zlib.decompressobj(-WINDOW_BITS).decompress(data, size)


def install(flash: RomfsFlash, image: bytes, vouching: bytes) -> None:
    """Put an image into slot A."""
    size = layout.SECTOR_BYTES
    at = layout.slot_at(0, SECTORS) * size
    padded = image + b"\xff" * (-len(image) % size)
    for start in range(0, len(padded), size):
        flash.program(at + start, padded[start : start + size])
    papers.write(flash, layout.trailer_at(0, SECTORS), vouching)


def replay(path: str) -> "dict[str, object]":
    """Return what the updater did with all that it heard."""
    with open(path) as file:
        given = json.loads(file.readline())
        flash = RomfsFlash()
        install(flash, unhexlify(given["image"]), unhexlify(given["papers"]))
        journal = Journal(Region(flash, layout.journal_at(SECTORS), layout.JOURNAL_SECTORS))
        journal.recover()
        installation = Installation(flash, JournalTable(journal), unhexlify(given["root"]))
        installation.boot(COST_ORDERLY)
        kind = Board((unhexlify(given["class_id"]),), layout.image_bytes(SECTORS), given["mpy"])
        identity = Identity("replay", given["node"], given["network"], "")
        budget = Budget(installation.table)
        machine = Updater(identity, Prng(given["seed"]), installation, kind, inflate, budget)
        deeds = Deeds()
        for line in file:
            at_ms, _, text = line.strip().partition(" ")
            if text == "start":
                machine.start(int(at_ms), deeds)
            elif text:
                frame = unhexlify(text)
                machine.on_frame(int(at_ms), 0, frame, len(frame), -50, deeds)
            else:
                machine.on_time(int(at_ms), deeds)
    slot = bytearray(layout.image_bytes(SECTORS))
    flash.read(layout.slot_at(1, SECTORS) * layout.SECTOR_BYTES, slot)
    return {
        "sent": hexlify(deeds.frames.digest()).decode(),
        "frames": deeds.count,
        "outcome": deeds.outcome,
        "slot": hexlify(sha256(slot).digest()).decode(),
        "states": [each.state for each in installation.slots],
    }


if __name__ == "__main__":
    print(json.dumps(replay(sys.argv[1])))
