"""A MicroPython, taken in page by page: of each page the blocks that are lacking, in any order.

What is there is read from flash when its page has come, so nothing about progress can be wrong,
and nothing but blocks is written to the place that does not run.

Input    begin(offer), wanted(), may_be(form, part, size), take(part)
Effects  the place of MicroPython that does not run
Bounds   one page and one block
"""

from hashlib import sha256

from . import refusals, talk
from .envelope import Envelope
from .forms import decoded
from .gathering import Gathering, Part
from .holding import Holding
from .index import BLOCK_BYTES, DIGEST_BYTES, block_bytes, block_count
from .intake import CARRIERS, Intake
from .manifest import from_bytes
from .runtime_index import (
    PAGE_BLOCKS,
    PART_BLOCK,
    PART_PAGE,
    block_digest,
    is_indexed,
    is_page,
    page_blocks,
    page_of,
)
from .update import Update

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Flash
    from .forms import Inflate
    from .installation import Installation
    from .manifest import Board, Manifest
    from .runtime import Runtime

_UNIT_BYTES = 32


class RuntimeHolding(Holding):
    """What a place holds of a MicroPython, as it is handed on to others."""

    def __init__(
        self, flash: "Flash", digest: bytes, manifest: "Manifest", documents: "dict[int, bytes]"
    ) -> None:
        self.digest = digest
        self.manifest = manifest
        self.tag = talk.tag_of(digest)
        self.base = 0
        self.have = bytearray(block_count(manifest.size_bytes))
        self._flash = flash
        self._documents = documents

    @property
    def bases(self) -> "list[int]":
        """There are no deltas of it."""
        return []

    def coded(self, part: int, base: int) -> "tuple[int, bytes] | None":
        """Return a part as it is; None without it.

        Raises: OSError when the medium fails.
        """
        size = self.manifest.size_bytes
        data = self._documents.get(part)
        if data is not None:
            return talk.FORM_PLAIN, data
        number = part - PART_BLOCK
        if 0 <= number < len(self.have) and self.have[number]:
            block = bytearray(block_bytes(size, number))
            self._flash.read(number * BLOCK_BYTES, block)
            return talk.FORM_PLAIN, bytes(block)
        first = (part - PART_PAGE) * PAGE_BLOCKS
        if number >= 0 or not 0 <= first < len(self.have):
            return None
        if not all(self.have[first : first + PAGE_BLOCKS]):
            return None
        return talk.FORM_PLAIN, bytes(page_of(self._flash, size, part - PART_PAGE))


class _Fetched(Update):
    """What the updater asks of it at the end."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    def finish(self) -> bool:
        """Tell whether all of it reads back as signed."""
        return self._runtime.is_whole()


class RuntimeIntake(Intake):
    """One release of MicroPython that is taken in, and what is there of it."""

    def __init__(
        self,
        installation: "Installation",
        board: "Board",
        runtime: "Runtime",
        inflate: "Inflate",
    ) -> None:
        super().__init__(installation, board, None, inflate)
        self.update = _Fetched(runtime)
        self._runtime = runtime
        self._number = 0  # of the page whose blocks are taken
        self._page = b""  # once it is here

    def begin(self, offer: "list[Any]") -> None:
        """Take in what is offered."""
        self.digest = offer[talk.DIGEST]
        self.reason = 0
        self.gathering = Gathering()
        self.holding = None

    def wanted(self) -> "list[int]":
        """Return the parts that are lacking, those that are needed first."""
        if self.reason:
            return []
        if self.holding is None:
            documents = (talk.PART_ENVELOPE, talk.PART_INDEX)
            return [part for part in documents if not self._is_here(part)]
        if self.holding.is_whole:
            return []
        if not self._page:
            return [PART_PAGE + self._number]
        first, have = self._number * PAGE_BLOCKS, self.holding.have
        end = first + page_blocks(self.holding.manifest.size_bytes, self._number)
        return [PART_BLOCK + number for number in range(first, end) if not have[number]]

    def may_be(self, form: int, part: int, size: int) -> bool:
        """Tell whether a wanted part can have such a form and size, and be of use here."""
        if part < PART_BLOCK or self.holding is None:
            return form == talk.FORM_PLAIN
        most = block_bytes(self.holding.manifest.size_bytes, part - PART_BLOCK)
        return form <= talk.FORM_DEFLATED and size <= most

    def keep(self, part: int, index: int) -> None:
        """Put nothing away: behind a MicroPython there is no room, and a block is soon here."""

    def take(self, part: Part) -> None:
        """Take in a part of which all pieces are here.

        Raises: OSError when the medium fails.
        """
        if self.holding is None:
            if part.part == talk.PART_ENVELOPE and not self._is_offered(part.data):
                self.gathering.fail(part.part)
            elif not self.wanted():
                self._open()
        elif part.part < PART_BLOCK:
            self._take_page(self.holding, part)
        else:
            self._take_block(self.holding, part)

    def _open(self) -> None:
        gathering = self.gathering
        envelope = bytes(gathering.parts[talk.PART_ENVELOPE].data)
        index = bytes(gathering.parts[talk.PART_INDEX].data)
        try:
            manifest = from_bytes(Envelope(envelope).payload)
        except refusals.RefusedError:
            gathering.fail(talk.PART_ENVELOPE)
            return
        if not is_indexed(index, manifest.digest, manifest.size_bytes):
            gathering.fail(talk.PART_INDEX)
            return
        reason = self._runtime.begin(envelope, self._board)
        if reason in CARRIERS:
            gathering.fail(talk.PART_ENVELOPE)
            return
        gathering.close(talk.PART_ENVELOPE)
        gathering.close(talk.PART_INDEX)
        self.reason = reason
        if not reason:
            documents = {talk.PART_ENVELOPE: envelope, talk.PART_INDEX: index}
            digest = Envelope(envelope).digest()
            spare = self._runtime.places.spare
            self.holding = RuntimeHolding(spare, digest, manifest, documents)
            self._index, self._number, self._page = index, 0, b""

    def _take_page(self, holding: Holding, part: Part) -> None:
        if not is_page(self._index, self._number, part.data):
            self.gathering.fail(part.part)
            return
        self.gathering.close(part.part)
        self._page = bytes(part.data)
        size, first = holding.manifest.size_bytes, self._number * PAGE_BLOCKS
        for at in range(len(self._page) // DIGEST_BYTES):
            digest = block_digest(self._runtime.places.spare, size, first + at)
            holding.have[first + at] = digest == self._digest_of(at)
        self._turn(holding)

    def _take_block(self, holding: Holding, part: Part) -> None:
        number = part.part - PART_BLOCK
        size = block_bytes(holding.manifest.size_bytes, number)
        block = decoded(part.form, part.data, size, None, self._inflate)
        digest = self._digest_of(number - self._number * PAGE_BLOCKS)
        if block is None or sha256(block).digest() != digest:
            self.gathering.fail(part.part)
            return
        spare = self._runtime.places.spare
        spare.erase(number)
        rest = -len(block) % _UNIT_BYTES
        spare.program(number * BLOCK_BYTES, bytes(block) + b"\xff" * rest if rest else block)
        holding.have[number] = 1
        self.gathering.close(part.part)
        self._turn(holding)

    def _turn(self, holding: Holding) -> None:
        """Go to the next page once all blocks of this one are here."""
        first = self._number * PAGE_BLOCKS
        if all(holding.have[first : first + PAGE_BLOCKS]):
            self._number += 1
            self._page = b""

    def _digest_of(self, at: int) -> bytes:
        return self._page[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]
