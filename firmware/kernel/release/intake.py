"""What was gathered of a release, taken in: documents to be believed, blocks to be programmed.

Documents come first: roots one by one, the timestamp, the manifest's envelope, the index. Each is
believed as `trust` believes it. Then the blocks, in any order; each is checked before it is
programmed. What came of a part that is not whole is put away, so that no session fetches it again.

Input    begin(offer), wanted(), may_be(form, part, size), keep(part, index), take(part)
Effects  the slot that does not run
Bounds   one block, and the documents until there is a slot for them
"""

from . import refusals, talk
from .envelope import Envelope
from .forms import decoded
from .gathering import Gathering, Part
from .holding import Holding
from .index import DIGEST_BYTES, block_bytes, is_block, is_signed
from .manifest import from_bytes
from .resuming import Resuming
from .update import Update

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .forms import Inflate
    from .installation import Installation
    from .kept import Kept
    from .manifest import Board

OTHERS_MAX = 3  # no more than the faults after which who sent them is not listened to
# What who carries an envelope can be the cause of; any other reason is the release's own.
CARRIERS = (refusals.REFUSED_MALFORMED, refusals.REFUSED_UNSIGNED)


class Intake:
    """One release that is taken in, and what is there of it."""

    def __init__(
        self,
        installation: "Installation",
        board: "Board",
        running: "Holding | None",
        inflate: "Inflate",
    ) -> None:
        self.update = Update(installation)
        self.gathering = Gathering()
        self.holding: "Holding | None" = None  # once the documents are here
        self.digest = b""  # its first bytes, by which it is offered
        self.reason = 0  # why the release is refused
        self.running = running
        self._installation = installation
        self._board = board
        self._inflate = inflate
        self._root = 0
        self._index = b""
        self._heard: "dict[int, bytearray]" = {}  # documents to keep, once there is a place
        self._is_waiting = False  # a slot has it, or a part, and it is current no more
        self._others = 0  # how many timestamps did not name what is offered
        self._resuming = Resuming()

    def begin(self, offer: "list[Any]") -> None:
        """Take in what is offered, or go on with what is there of it.

        Raises: OSError when the medium fails.
        """
        self.digest, self._root = offer[talk.DIGEST], offer[talk.ROOT]
        self.reason = self._others = 0
        self.gathering = Gathering()
        self.holding = None
        self._resuming.forget()
        self._hold()
        if self.holding is None:
            self._resuming.begin(self._installation, self.update.target(), self.digest)
        self._restore()

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.holding is not None and self.holding.is_whole

    def done_permille(self) -> int:
        """Return how many of a thousand blocks are here."""
        if self.holding is None:
            return 0
        have = self.holding.have
        return 1000 * sum(have) // len(have)

    def wanted(self) -> "list[int]":
        """Return the parts that are lacking, those that are needed first."""
        if self.holding is not None:
            have = self.holding.have
            return [part for part in range(len(have)) if not have[part]]
        trust = self._installation.trust
        if trust is None or self.reason:
            return []
        if trust.root.version < self._root:
            return [talk.PART_ROOT + trust.root.version + 1]
        parts = [] if self._is_waiting else [talk.PART_ENVELOPE, talk.PART_INDEX]
        if not self._is_current():
            parts.append(talk.PART_TIMESTAMP)
        return [part for part in parts if not self._is_here(part)]

    def may_be(self, form: int, part: int, size: int) -> bool:
        """Tell whether a wanted part can have such a form and size, and be of use here."""
        if part >= talk.PART_INDEX:
            return form == talk.FORM_PLAIN
        running, held = self.running, self.holding
        if form > talk.FORM_DEFLATED and (running is None or form != running.base):
            return False
        # What is not smaller than the block travels as it is.
        return held is not None and size <= block_bytes(held.manifest.size_bytes, part)

    def keep(self, part: int, index: int) -> None:
        """Put a piece away, for a session that comes later."""
        held, log = self.gathering.parts[part], self._log()
        if log is not None and not self.gathering.has_failed:  # no liar is to fill the flash
            self._resuming.keep(log, held, index)

    def take(self, part: Part) -> None:
        """Take in a part of which all pieces are here.

        Raises: OSError when the medium fails.
        """
        self._take(part)
        self._restore()

    def _take(self, part: Part) -> None:
        data: Any = memoryview(part.data)  # no copy: a document is the largest part there is
        if self.holding is not None:
            self._take_block(self.holding, part)
        elif part.part == talk.PART_TIMESTAMP:
            self._judge(part, self._installation.on_timestamp(data))
        elif part.part >= talk.PART_ROOT:
            self._judge(part, self._installation.on_root(data))
        elif part.part == talk.PART_ENVELOPE and not self._is_offered(part.data):
            self._fail(part.part)
        if self._is_waiting and self._is_current():
            self._hold()
        if self.holding is None and not self.reason and not self.wanted():
            self._open()

    def _fail(self, part: int) -> None:
        self.gathering.fail(part)
        log = self._log()
        if log is not None:
            log.judge(part, False)

    def _log(self) -> "Kept | None":
        return self._resuming.room if self.holding is None else self.holding.kept

    def _restore(self) -> None:
        """Go on with what an earlier session left of parts, as far as there is room for them."""
        log, is_whole = self._log(), True
        while is_whole and log is not None:
            is_whole = False
            for part in self.wanted():
                held = self._resuming.restore(log, self.gathering, part, self.may_be)
                if held is not None and not held.missing:
                    self._take(held)
                    log, is_whole = self._log(), True  # it may be other parts now that are wanted
                    break

    def _judge(self, part: Part, reason: int) -> None:
        if part.part == talk.PART_TIMESTAMP and not reason and not self._is_current():
            reason = refusals.REFUSED_UNLISTED
        if reason in refusals.NO_FAULTS[2:]:
            self._others += 1  # it may be a liar's: others are asked, too, before it is believed
            self.reason = reason if self._others >= OTHERS_MAX else 0
        if reason:
            self._fail(part.part)
            return
        self._heard[part.part] = part.data
        self.gathering.close(part.part)
        if part.part >= talk.PART_ROOT:  # other keys: whatever else came was judged by none
            self.gathering.close(talk.PART_TIMESTAMP)

    def _open(self) -> None:
        """Begin with the blocks: the documents are here."""
        gathering = self.gathering
        envelope: Any = memoryview(gathering.parts[talk.PART_ENVELOPE].data)
        index: Any = memoryview(gathering.parts[talk.PART_INDEX].data)
        try:
            manifest = from_bytes(Envelope(envelope).payload)
        except refusals.RefusedError:
            self._fail(talk.PART_ENVELOPE)
            return
        if not is_signed(index, manifest.digest, manifest.size_bytes):
            self._fail(talk.PART_INDEX)
            return
        reason = self.update.begin(envelope, index, self._board)
        if reason in CARRIERS:
            self._fail(talk.PART_ENVELOPE)
            return
        gathering.close(talk.PART_ENVELOPE)
        gathering.close(talk.PART_INDEX)
        self._hold()
        if self.holding is None:  # flash does not read as it was written
            self.reason = reason or refusals.REFUSED_MALFORMED

    def _hold(self) -> None:
        """Go on with the blocks of the slot that is being filled, if it is this release's."""
        installation, is_filling = self._installation, self.update.filling() >= 0
        at = self.update.filling() if is_filling else self.update.whole()
        papers = installation.read_papers(at) if at >= 0 else None
        self._is_waiting = False
        if papers is None or not self._is_offered(papers.envelope):
            return
        self._is_waiting = not self._is_current()  # it was when it was begun
        missing = self.update.missing() if is_filling else b""
        if self._is_waiting or (is_filling and not missing):
            return
        if at == installation.running:  # whose keys were revoked: it is written over from now on
            self.running = None
        have = bytearray(b"\x01" * (len(papers.index) // DIGEST_BYTES))
        for number, lacks in enumerate(missing):
            have[number] = not lacks
        self._resuming.room = None
        self.holding = Holding(installation.flash, at, papers, have)
        self._index = papers.index
        for part in sorted(self._heard):
            self.holding.kept.put(part, talk.FORM_PLAIN, self._heard[part])
        self._heard = {}

    def _take_block(self, holding: Holding, part: Part) -> None:
        size = block_bytes(holding.manifest.size_bytes, part.part)
        block = decoded(part.form, part.data, size, self.running, self._inflate)
        if block is None or not is_block(self._index, part.part, block):
            self._fail(part.part)
            return
        self.update.write_block(part.part, block)
        holding.have[part.part] = 1
        if holding.kept.is_started(part.part, part.form, len(part.data)):
            holding.kept.judge(part.part, True)
        elif part.form != talk.FORM_PLAIN:
            holding.kept.put(part.part, part.form, part.data)
        self.gathering.close(part.part)

    def _is_here(self, part: int) -> bool:
        return part in self.gathering.parts and not self.gathering.missing(part)

    def _is_current(self) -> bool:
        trust = self._installation.trust
        return trust is not None and trust.is_current(self.digest, self._installation.now_s)

    def _is_offered(self, envelope: "bytes | bytearray") -> bool:
        try:
            return Envelope(memoryview(envelope)).digest()[: len(self.digest)] == self.digest
        except refusals.RefusedError:
            return False
