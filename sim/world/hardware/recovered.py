"""What the start of a journal found, kept for as long as nothing changes on the flash.

Most wakes write nothing, and so most starts after a sleep read the same bytes as the one before.
A start whose flash did change, or may read otherwise than its content, really reads it.
"""

from array import array

from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.firmware.kernel.state.values import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.hardware.flash import NorFlash

# Of a journal that has started; the rest of it is scratch that each use fills anew.
FIELDS = ("damaged", "torn", "_bad", "_unread", "_turn", "_sector", "_at", "_programmed")


class Recovered:
    """The last start of one board's journal."""

    def __init__(self) -> None:
        self.reused = 0  # starts that read nothing
        self._version = -1  # of the content that was read
        self._index = b""
        self._values: tuple[int, ...] = ()

    def open(self, flash: "NorFlash", is_after_sleep: bool) -> Journal:
        """Return a new journal that has started on a flash."""
        journal = Journal(flash)
        is_plain = is_after_sleep and flash.reads_well
        if is_plain and self._version == flash.version:
            self.reused += 1
            journal._index = array("H", self._index)
            for name, value in zip(FIELDS, self._values):  # noqa: B905 - MicroPython has no strict
                setattr(journal, name, value)
            return journal
        version = flash.version
        journal.recover(is_after_sleep)
        self._version = -1
        if is_plain and version == flash.version and flash.reads_well:
            self._version = version
            self._index = bytes(memoryview(journal._index))
            self._values = tuple([getattr(journal, name) for name in FIELDS])
        return journal


def state_on(flash: "NorFlash") -> "dict[str, object]":
    """Return what an application's state would be, were an agent to start on a flash now."""
    state = State()
    journal = Journal(flash.copy())
    journal.recover(is_after_sleep=True)
    state.load(JournalTable(journal))
    return state.as_dict()
