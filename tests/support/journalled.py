"""A table over a journal: what a start finds on a flash, and commits in one line."""

from kernel.state.journal import Journal
from kernel.state.table import JournalTable


def boot(flash, is_after_sleep=True):
    """Return the journal and the table that a start finds on a flash."""
    journal = Journal(flash)
    journal.recover(is_after_sleep)
    return journal, JournalTable(journal)


def commit(table, **values):
    """Commit some keys; a value of None deletes."""
    for key, value in values.items():
        if value is None:
            table.delete(key.encode())
        else:
            table.put(key.encode(), value)
    return table.commit()
