"""Which slot a cold boot starts: the one on trial while it has tries, else the best confirmed one.

Whatever is started was read back from flash and matches what was signed.

Input    choose(installation, cost)
Effects  none; commits what the boot takes from a trial before the trial goes on
Bounds   each slot is read once
Source   SPEC.md, "Slots"
"""

from .envelope import Envelope
from .installation import RECOVERY
from .proofs import is_whole
from .refusals import RefusedError
from .slots import CONFIRMED, COST_POWER, COST_UNCLEAN, DAMAGED, LOST, TRIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .installation import Installation


def choose(board: "Installation", cost: int) -> int:
    """Return the slot to start, RECOVERY if none is good; see `Installation.boot`."""
    board.tidy()
    before = board.record.to_bytes()
    spares = _spares(board)
    trial = board.trial()
    # With nothing to go back to, a weak supply must not take the only release away.
    if trial >= 0 and (spares or cost != COST_POWER):
        slot = board.slots[trial]
        slot.left = max(0, slot.left - cost)
        if not slot.left:
            board.reject(trial)
    order = ([trial] if trial >= 0 and board.slots[trial].state == TRIAL else []) + spares
    found = _first_whole(board, order)
    if board.record.to_bytes() == before and _is_stored(board):
        return found
    if found == RECOVERY and board.record.is_doubtful:
        return found  # what could not be read may run next time: nothing is settled
    try:
        board.commit()
        board.tidy()
    except OSError:
        board.table.rollback()
        if found >= 0 and board.slots[found].state == TRIAL:
            # Nobody can count its tries: it does not run but for want of anything else.
            return _first_whole(board, spares, found if cost != COST_UNCLEAN else RECOVERY)
    return found


def mark_damaged(board: "Installation", at: int) -> None:
    """Take note that an image no longer reads as signed: it is to be mended, or is lost."""
    board.leave(at, DAMAGED if has_papers(board, at) else LOST)


def has_papers(board: "Installation", at: int) -> bool:
    """Tell whether what vouches for a slot's image stands beside it, not that of an older one."""
    try:
        held = board.read_papers(at)
        return held is not None and Envelope(held.envelope).digest() == board.slots[at].document
    except (OSError, RefusedError):
        return False


def _is_stored(board: "Installation") -> bool:
    from .record import KEY

    try:
        return board.table.get(KEY) == board.record.to_bytes()
    except OSError:
        return False


def _spares(board: "Installation") -> "list[int]":
    # Confirmed releases, the newest first; none below what was confirmed last.
    found = []
    for at in range(2):
        slot = board.slots[at]
        if slot.state == CONFIRMED and slot.security_counter >= board.record.counter:
            found.append((-slot.sequence, at))
    return [at for _, at in sorted(found)]


def _first_whole(board: "Installation", order: "list[int]", otherwise: int = RECOVERY) -> int:
    for at in order:
        slot = board.slots[at]
        try:
            if is_whole(board.flash, at, slot.digest, slot.size_bytes):
                return at
        except (OSError, MemoryError):
            continue  # it may be read next time
        mark_damaged(board, at)
    return otherwise
