"""What a board kept of a crash is read strictly, and its journal is wound back."""

import ast
import signal
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.replay import recording as kinds
from cma_toolkit.sim.replay.limit import TimeLimit
from cma_toolkit.sim.replay.recording import DamagedError, Input, read
from cma_toolkit.sim.replay.rewind import ImageFlash, table_at
from support.crash_file import file_of

RECORDER = Path(__file__).parents[2] / "firmware/device/recorder.py"
SECTORS = 8


def test_the_kinds_of_inputs_are_those_of_the_firmware() -> None:
    names: dict[str, int] = {}
    for node in ast.parse(RECORDER.read_text()).body:
        if isinstance(node, ast.Assign):
            source = ast.unparse(node)
            try:
                exec(source, names)
            except NameError:
                continue
    ours = {name for name in names if name.isupper() and name[0] != "_"} - {"MAGIC"}
    assert {name: names[name] for name in ours} == {name: getattr(kinds, name) for name in ours}
    assert {names[name] for name in ours} == set(kinds.NAMES)


def test_a_recording_says_all_that_the_board_wrote() -> None:
    data = bytes([kinds.ON_BATTERY, 0x84, 0x07, kinds.START, 5, kinds.ON_FRAME, 0xC8, 1, 50, 2])
    found = read(file_of(data + b"\x0a\x0b", text=b"agent: ouch"))
    assert found.inputs == (
        Input(kinds.ON_BATTERY, 1000, 900),
        Input(kinds.START, 1005),
        Input(kinds.ON_FRAME, 1205, 50, b"\x0a\x0b"),
    )
    assert (found.cause_after, found.traceback, found.cause) == (7, "agent: ouch", 4)
    assert (found.lost_bytes, found.seed, found.position, found.application_id) == (9, 7, 300, 11)
    assert found.snapshot is not None and len(found.snapshot) == 5


def test_a_board_that_crashed_before_its_agent_has_a_traceback_only() -> None:
    found = read(file_of(text=b"agent: no memory", magic=0))
    assert found.inputs is None and found.traceback == "agent: no memory"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no crash"),
        (b"something else altogether", "no crash"),
        (file_of()[:-1] + b"\0", "checksum"),
        (file_of(number=9), "format is 9"),
        (file_of(end=1509), "lengths"),
        (file_of(end=17), "lengths"),
        (file_of(b"\xff"), "no known kind"),
        (file_of(bytes([kinds.ON_FRAME, 1, 2, 9, 0])), "cut off"),
        (file_of(bytes([kinds.ON_TIME, 0x80])), "cut off"),
        (file_of(bytes([kinds.ON_BATTERY, *[0x80] * 5, 1])), "larger than a board writes"),
        (file_of(bytes([kinds.KEEP_TRACEBACK, 1, 0x81, 4])), "longer than a board keeps"),
        (file_of(bytes([kinds.SENSED, 1, 0xFF])), "no CBOR"),
        (file_of(bytes([kinds.FAILED, 1, 7])), "names no exception"),
        (file_of(bytes([kinds.UNMADE, 3, 0x82, 0x60, 7])), "names no exception"),
    ],
)
def test_what_is_damaged_is_refused_and_said(data: bytes, why: str) -> None:
    with pytest.raises(DamagedError, match=why):
        read(data)


def test_a_traceback_as_long_as_a_board_keeps_is_read() -> None:
    found = read(file_of(bytes([kinds.KEEP_TRACEBACK, 1, 0x80, 4])))
    assert found.inputs == (Input(kinds.KEEP_TRACEBACK, 1001, 512),)


def journal_on(flash: ImageFlash) -> tuple[Journal, JournalTable]:
    journal = Journal(flash)
    journal.recover()
    return journal, JournalTable(journal)


def put(table: JournalTable, key: bytes, value: bytes) -> None:
    table.put(key, value)
    table.commit()


def sectors_of(flash: ImageFlash) -> dict[int, bytes]:
    return {
        number: bytes(flash.cells[number * 4096 : (number + 1) * 4096]).rstrip(b"\xff")
        for number in range(SECTORS)
    }


@pytest.mark.parametrize("more", [0, 1, 5, 40])
def test_a_journal_is_as_it_was_though_more_was_written(more: int) -> None:
    flash = ImageFlash({}, SECTORS)
    journal, table = journal_on(flash)
    put(table, b"a", b"first")
    put(table, b"b", bytes(900))
    position = journal.position()
    for number in range(more):
        put(table, b"a", b"later %d" % number)
        put(table, b"c", bytes(300))
    then, is_exact = table_at(sectors_of(flash), SECTORS, position)
    assert is_exact
    assert (then.keys(), then.get(b"a")) == ([b"a", b"b"], b"first")


def test_a_journal_that_was_empty_is_empty_again() -> None:
    flash = ImageFlash({}, SECTORS)
    journal, table = journal_on(flash)
    position = journal.position()
    put(table, b"a", b"first")
    then, is_exact = table_at(sectors_of(flash), SECTORS, position)
    assert is_exact and then.keys() == []


def test_what_the_journal_has_written_over_is_said() -> None:
    flash = ImageFlash({}, SECTORS)
    journal, table = journal_on(flash)
    put(table, b"a", bytes(900))
    position = journal.position()
    for number in range(80):
        put(table, b"a", bytes([number]) * 900)
    _, is_exact = table_at(sectors_of(flash), SECTORS, position)
    assert not is_exact


def test_what_never_ends_is_interrupted() -> None:
    # In the background of a shell, too, where Ctrl-C's signal is ignored.
    heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit = TimeLimit(0.05)
    try:
        with pytest.raises(KeyboardInterrupt), limit:
            for _ in range(20_000_000):
                pass
    finally:
        signal.signal(signal.SIGINT, heeded)
    assert limit.is_over


def test_what_ends_in_time_is_not_interrupted() -> None:
    limit = TimeLimit(60.0)
    with limit:
        limit.begin()
    assert not limit.is_over
