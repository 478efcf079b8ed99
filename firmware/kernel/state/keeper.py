"""When an application's state is written to flash.

A critical key is on flash before anything leaves that was said after its change; other keys wait
a little, so that a busy handler costs one record and not a hundred.

Input    load(out), look() and write(out) at the end of a step
Effects  out.report(EVENT_STORE_…, 1)
Bounds   one commit a step at most; STATE_DELAY_MS until a change is written
"""

from ..errors import EVENT_STORE_DAMAGED, EVENT_STORE_FAILED
from .values import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..effects import Effects
    from ..shapes import Table

_EIO = 5
_STATE = 1  # the value that reports of the store carry


class Keeper:
    """Write the state of one application through a table."""

    def __init__(self, table: "Table") -> None:
        self.state = State()
        self.is_waiting = False  # changes are not on flash yet
        self.is_blocked = False  # critical ones: nothing of the application may leave
        self.has_failed = False  # the last commit; the next waits for the timer
        self.is_lost = False  # what is on flash could not be read, and so is not written over
        self._is_unseen = False  # there was no heap to look: nothing is written until there is
        self._has_other = False  # others staged something, which our next commit carries
        self._table = table

    def load(self, out: "Effects") -> None:
        """Bring the state back; report what is damaged and start it anew."""
        try:
            damaged = self.state.load(self._table)
        except OSError:
            if not self.is_lost:
                out.report(EVENT_STORE_FAILED, _STATE)
            self.is_lost = True
            return
        self.is_lost = False
        if damaged:
            out.report(EVENT_STORE_DAMAGED, _STATE)

    def on_staged(self) -> None:
        """Take note that something else is staged in the table and waits for a commit."""
        self._has_other = self.is_waiting = True

    def look(self) -> bool:
        """Look for changes at the end of a step; tell whether they must be written at once.

        Without heap to look, whatever may be critical counts as changed.
        Raises: CborError if the application changed a lent value into one without an encoding.
        """
        state = self.state
        try:
            self.is_waiting = state.find_changes() or self._has_other
            self.is_blocked = self.is_waiting and state.is_critical_changed()
            self._is_unseen = False
        except MemoryError:
            self._is_unseen = self.is_waiting = True
            self.is_blocked = state.has_critical()
        return self.is_blocked

    def write(self, out: "Effects") -> int:
        """Commit all changes; return the bytes programmed.

        A table that fails, or a heap without room for it, keeps the old state on flash and the
        new one in memory, to be tried again; critical changes stay blocked until then. It is
        reported once.
        """
        if not self.is_waiting:
            return 0
        try:
            if self.is_lost or self._is_unseen:
                raise OSError(_EIO)
            written = self._commit()
        except (OSError, MemoryError):
            self._table.rollback()
            if not self.has_failed:
                out.report(EVENT_STORE_FAILED, _STATE)
            self.has_failed = True
            return 0
        self.state.on_stored()
        self.is_waiting = self.is_blocked = self._has_other = self.has_failed = False
        return written

    def _commit(self) -> int:
        # Each change takes room in the one record that holds them all. Where that is too much,
        # what was deleted makes room first, in a commit of its own.
        state, table = self.state, self._table
        state.stage(table, True, True)
        try:
            return table.commit()
        except OSError:
            table.rollback()
            state.stage(table, True, False)
            written = table.commit()
            state.stage(table, False, True)
            return written + table.commit()
