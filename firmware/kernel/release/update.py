"""A release on its way into the slot that does not run: blocks in any order, over any time.

What is there is read from flash each time, so nothing about progress can be wrong.

Input    begin, missing, write_block, finish, start
Effects  none; writes the slot, its papers and the journal of releases
Bounds   one release; a block is a sector
Source   SPEC.md, "Slots"
"""

from hashlib import sha256

from . import papers, record, saved
from .boot import has_papers, mark_damaged
from .envelope import Envelope
from .index import BLOCK_BYTES, DIGEST_BYTES, block_bytes, block_count, is_signed
from .installation import RECOVERY
from .layout import slot_at, trailer_at
from .proofs import is_whole
from .refusals import (
    REFUSED_GIVEN_UP,
    REFUSED_MALFORMED,
    REFUSED_ON_TRIAL,
    REFUSED_UNSIGNED,
    REFUSED_VERSION,
    RefusedError,
)
from .slots import BEGIN, CONFIRMED, DROP, FILLED, FILLING, START, TRIAL, WHOLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Table
    from .installation import Installation
    from .manifest import Board, Manifest

_UNIT_BYTES = 32
# By state, which slot is written to first where none runs: what can be run again goes last.
_LAST = (0, 2, 3, 5, 4, 1)


class Update:
    """The release that a board is fetching, or none yet; its installation has booted."""

    def __init__(self, board: "Installation") -> None:
        self._board = board
        self._flash = board.flash

    def begin(self, envelope: bytes, index: bytes, kind: "Board", now_s: int = 0) -> int:
        """Take a release and make a slot ready for its blocks; return why not, 0 if it did.

        The same release again goes on with what is there.
        Raises: OSError when the medium fails.
        """
        try:
            document = Envelope(envelope).digest()
        except RefusedError as error:
            return error.reason
        if self._is_here(document):
            return 0
        reason, manifest = self._take(envelope, kind, now_s)
        if reason or manifest is None:
            return reason
        at = self.target()
        reason = self._refusal(at, document)
        return reason or self._prepare(at, document, manifest, envelope, index)

    def filling(self) -> int:
        """Return the slot that waits for blocks, -1: none; of two that of the newer release.

        What is older than a release that waits to be tried waits for no blocks any more.
        """
        slots, found = self._board.slots, -1
        for at in range(2):
            other = slots[1 - at]
            is_behind = other.state in (FILLING, WHOLE) and other.sequence > slots[at].sequence
            if slots[at].state == FILLING and not is_behind:
                found = at
        return found

    def whole(self) -> int:
        """Return the slot that waits to be tried, -1 if none does."""
        for at in range(2):
            if self._board.slots[at].state == WHOLE:
                return at
        return -1

    def missing(self) -> bytearray:
        """Return a 1 for each block that the slot being filled has not; b"" without its papers.

        Raises: OSError when the medium fails.
        """
        at = self.filling()
        held = self._board.read_papers(at) if at >= 0 else None
        slot = self._board.slots[at]
        if held is None or not is_signed(held.index, slot.digest, slot.size_bytes):
            return bytearray()
        found, buffer = bytearray(block_count(slot.size_bytes)), memoryview(bytearray(BLOCK_BYTES))
        start = slot_at(at, self._flash.sector_count) * BLOCK_BYTES
        for number in range(len(found)):
            part = buffer[: block_bytes(slot.size_bytes, number)]
            self._flash.read(start + number * BLOCK_BYTES, part)
            digest = held.index[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]
            found[number] = sha256(part).digest() != digest
        return found

    def write_block(self, number: int, data: "bytes | bytearray | memoryview") -> None:
        """Put a block, checked against the index, into the slot being filled.

        Raises: OSError when the medium fails.
        """
        at = self.filling()
        assert at >= 0 and len(data) == block_bytes(self._board.slots[at].size_bytes, number)
        sector = slot_at(at, self._flash.sector_count) + number
        self._flash.erase(sector)
        rest = -len(data) % _UNIT_BYTES
        whole = bytes(data) + b"\xff" * rest if rest else data
        self._flash.program(sector * BLOCK_BYTES, whole)

    def finish(self) -> bool:
        """Read the slot being filled back; tell whether a release waits to be tried.

        Raises: OSError when the medium fails.
        """
        at = self.filling()
        if at < 0 or not self._reads_well(at):
            return self.whole() >= 0
        self._flash.sync()
        self._board.slots[at].follow(FILLED)
        self._board.commit()
        return True

    def start(self, state: "Table | None" = None) -> bool:
        """Have the next boot try what is whole; False if nothing is, or it is current no longer.

        `state` is the agent's table, None if there is none: what the application keeps there is
        copied, if it can be read.
        Raises: OSError when the medium of the releases fails.
        """
        board = self._board
        at = self.whole()
        if at < 0 or not board.trust:
            return False
        if not board.trust.is_current(board.slots[at].document, board.now_s):
            return False
        if not self._reads_well(at):
            mark_damaged(board, at)
            board.commit()
            return False
        if board.slots[1 - at].state == TRIAL:  # only where there was nothing to go back to
            board.slots[1 - at].follow(DROP)
        saved.forget(board.table)
        if state is not None:
            self._keep(state)
        board.record.has_to_restore = False
        board.slots[at].follow(START)
        board.commit()
        return True

    def target(self) -> int:
        """Return the slot that a release is taken into."""
        board = self._board
        if board.running != RECOVERY and not board.is_revoked:
            return 1 - board.running
        first = (_LAST[board.slots[0].state], board.slots[0].sequence)
        return int((_LAST[board.slots[1].state], board.slots[1].sequence) < first)

    def _refusal(self, at: int, document: bytes) -> int:
        board, slot = self._board, self._board.slots[at]
        if document in board.record.rejected:
            return REFUSED_GIVEN_UP
        if board.running != RECOVERY and document == board.slots[board.running].document:
            return REFUSED_VERSION  # by other keys than before, but what runs already
        if slot.state == TRIAL or (board.trial() >= 0 and slot.state == CONFIRMED):
            return REFUSED_ON_TRIAL
        return 0

    def _prepare(
        self, at: int, document: bytes, manifest: "Manifest", envelope: bytes, index: bytes
    ) -> int:
        board = self._board
        held = board.record
        if not is_signed(index, manifest.digest, manifest.size_bytes):
            return REFUSED_MALFORMED
        try:
            facts = record.join_facts(held.origin, held.facts)
            data = papers.to_bytes(envelope, index, held.root, facts)
        except ValueError:  # signatures of nobody's make it longer than any that is needed
            return REFUSED_MALFORMED
        board.slots[at].follow(BEGIN)
        board.slots[at].hold(document, manifest)
        board.commit()
        papers.write(self._flash, trailer_at(at, self._flash.sector_count), data)
        return 0

    def _is_here(self, document: bytes) -> bool:
        for at in (self.filling(), self.whole()):
            if at >= 0 and self._board.slots[at].document == document:
                return has_papers(self._board, at)  # not where a cut came before they were written
        return False

    def _keep(self, state: "Table") -> None:
        try:
            saved.keep(self._board.table, state)
        except (OSError, ValueError):
            pass  # nothing can be given back then; an update is not to wait for ever for it

    def _take(self, envelope: bytes, kind: "Board", now_s: int) -> "tuple[int, Manifest | None]":
        board, trust = self._board, self._board.trust
        if trust is None:
            return REFUSED_UNSIGNED, None
        now_s = max(now_s, board.now_s)
        reason = trust.on_release(envelope, kind, now_s)
        runs = -1 if board.running == RECOVERY else board.slots[board.running].sequence
        if reason == REFUSED_VERSION and runs < trust.sequence:
            trust.sequence -= 1  # what was confirmed last does not run: it may come again
            reason = trust.on_release(envelope, kind, now_s)
            trust.sequence += 1
        return reason, trust.manifest

    def _reads_well(self, at: int) -> bool:
        slot = self._board.slots[at]
        return is_whole(self._flash, at, slot.digest, slot.size_bytes)
