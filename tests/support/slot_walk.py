"""A board with two slots that anything may happen to, in an order that a seed draws.

Releases come in parts, are tried, prove healthy or crash; power goes in the middle of any flash
operation; images and papers rot; the journal is lost; keys are revoked. Whatever it was: the board
runs a release byte for byte, or says that it has none, and takes the next one.
"""

import random
from functools import cache

from cma_toolkit.sim.world.hardware.flash import NorFlash, PowerCut
from cma_toolkit.sim.world.hardware.tearing import TEAR_MODES
from kernel.release import index, layout
from kernel.release.installation import RECOVERY, Installation
from kernel.release.region import Region
from kernel.release.slots import COST_ORDERLY, COST_POWER, COST_UNCLEAN, REJECTED, TRIAL
from kernel.release.update import Update
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.release_board import FIRST, RELEASE, ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import NOW_S, Signer, role, signed
from support.slot_lives import (
    KIND,
    PARTITION_SECTORS,
    Release,
    by_hand,
    flashed,
    release,
    timestamp,
)

RELEASES_MAX = 24
CUT_OPERATIONS_MAX = 60
COSTS = (COST_ORDERLY, COST_POWER, COST_UNCLEAN)
ROOT_BYTES = FIRST.to_bytes()
SIGNERS = (RELEASE, Signer(78), Signer(79))
SECTOR_BYTES = layout.SECTOR_BYTES


class Chip(NorFlash):
    """The partition of a board, in memory; power can go, and bits can rot."""

    sector_count = PARTITION_SECTORS


@cache
def made(sequence: int, era: int) -> Release:
    """Return a release by the keys of an era."""
    return release(sequence, 1 + sequence * 2_731 % 12_288, by=SIGNERS[era])


@cache
def root_of(era: int) -> bytes:
    """Return the root that begins an era."""
    root = FIRST
    for signer in SIGNERS[1 : era + 1]:
        roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, signer)}
        root = next_root(root, roles={**roles, "timestamp": role(1, TIMESTAMP)})
    return signed(root.to_bytes(), [ROOT, ROOT_2])


class Walk:
    """One board, and all that was ever signed for it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.chip = Chip()
        first = by_hand(1, 8_448)
        self.chip._poke(0, bytes(flashed(first)[: PARTITION_SECTORS * SECTOR_BYTES]))
        self.images = {1: {first.image}}
        self.sequence, self.era, self.stamps = 1, 0, 0
        self.given_up: set[bytes] = set()
        self.board = self.boot(COST_POWER)

    def boot(self, cost: int) -> Installation:
        """Start, and look at what runs."""
        self.chip.power_on()
        flash = Region(self.chip, 0, PARTITION_SECTORS)
        start = layout.journal_at(PARTITION_SECTORS)
        journal = Journal(Region(flash, start, layout.JOURNAL_SECTORS))
        journal.recover()
        self.board = Installation(flash, JournalTable(journal), ROOT_BYTES)
        running = self.board.boot(cost)
        if running != RECOVERY:
            slot = self.board.slots[running]
            start = layout.slot_at(running, PARTITION_SECTORS) * SECTOR_BYTES
            image = self.chip._peek(start, slot.size_bytes)
            assert image in self.images[slot.sequence], "it runs what nobody signed"
            assert slot.document not in self.given_up, "it runs what was given up"
        return self.board

    def step(self, is_rough: bool = True) -> str:
        """Have one thing happen; return what."""
        events = [self.bring] * 6 + [self.confirm, self.crash, self.start_anew]
        if is_rough:
            events += [self.rot, self.rot, self.lose_journal, self.revoke]
        event = self.draw.choice(events)
        cut = None
        if is_rough and self.draw.random() < 0.5:
            operations = 1 + self.draw.randrange(CUT_OPERATIONS_MAX)
            mode = self.draw.randrange(len(TEAR_MODES))
            cut = self.chip.cut_in(operations, mode, self.draw.getrandbits(29), 0)
        try:
            event()
        except PowerCut:
            cut = None
            self.boot(COST_POWER)
        if cut is not None:
            self.chip.spare(cut)
        return event.__name__

    def bring(self, is_all: bool = False) -> None:
        """Bring the release that is current, or the next one, as far as it comes."""
        if self.draw.random() < 0.4 and self.sequence < RELEASES_MAX and not is_all:
            self.sequence += 1
        offered = made(max(2, self.sequence), self.era)
        self.sequence = offered.sequence
        self.images.setdefault(offered.sequence, set()).add(offered.image)
        while self.board.trust and self.board.trust.root.version <= self.era:
            assert self.board.on_root(root_of(self.board.trust.root.version)) == 0
        self.stamps += 1
        assert self.board.on_timestamp(timestamp(self.stamps, offered), NOW_S) == 0
        update = Update(self.board)
        if update.begin(offered.envelope, offered.index, KIND, NOW_S):
            return
        at = update.filling()
        if at >= 0 and self.board.slots[at].sequence == offered.sequence:
            for number, is_missing in enumerate(update.missing()):
                if is_missing and (is_all or self.draw.random() < 0.8):
                    start = number * index.BLOCK_BYTES
                    update.write_block(number, offered.image[start : start + index.BLOCK_BYTES])
        if update.finish() and (is_all or self.draw.random() < 0.8) and update.start():
            self.boot(COST_ORDERLY)

    def confirm(self) -> None:
        """Find it healthy."""
        self.board.confirm()

    def crash(self) -> None:
        """Crash as often as a trial may."""
        at = self.board.trial()
        document = self.board.slots[at].document
        for _ in range(3):
            self.boot(COST_UNCLEAN)
        if at >= 0 and self.board.slots[at].state == REJECTED:
            self.given_up.add(document)

    def start_anew(self) -> None:
        """Start for any reason."""
        self.boot(self.draw.choice(COSTS))

    def rot(self) -> None:
        """Flip a bit of an image or of what vouches for it."""
        first = layout.slot_at(0, PARTITION_SECTORS) * SECTOR_BYTES
        end = layout.journal_at(PARTITION_SECTORS) * SECTOR_BYTES
        self.chip.flip(8 * self.draw.randrange(first, end) + self.draw.randrange(8))
        self.boot(COST_POWER)

    def lose_journal(self) -> None:
        """Erase the journal of releases, which is what knows of releases that were given up."""
        self.given_up.clear()
        for sector in range(layout.journal_at(PARTITION_SECTORS), PARTITION_SECTORS):
            self.chip.erase(sector)
        self.boot(COST_POWER)

    def revoke(self) -> None:
        """Begin an era with other keys of releases."""
        self.era = min(self.era + 1, len(SIGNERS) - 1)

    def reach_the_newest(self) -> None:
        """Take the next good release, now that nothing is in the way."""
        self.sequence += 1
        for _ in range(6):
            if self.board.trial() >= 0 and self.board.running == self.board.trial():
                self.board.confirm()
            running = self.board.running
            if running >= 0 and self.board.slots[running].sequence == self.sequence:
                assert self.board.slots[running].state != TRIAL
                return
            self.bring(is_all=True)
            self.boot(COST_ORDERLY)
        raise AssertionError("the next good release is not taken")
