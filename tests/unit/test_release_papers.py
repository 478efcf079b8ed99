"""What vouches for an image beside it, what a board remembers, and an application's state kept."""

from kernel.codec.cbor import encode
from kernel.limits import STATE_BYTES_MAX, STATE_KEYS_MAX
from kernel.release import papers, saved, signs
from kernel.release.record import RECORD_BYTES_MAX, Record, from_bytes
from kernel.release.slots import TRIAL
from kernel.release.trust import (
    KEY_BYTES,
    KEYS_MAX,
    NUMBER_MAX,
    ROLE_KEYS_MAX,
    TIME_MAX_S,
    Root,
)
from kernel.state.values import PREFIX
from support.nor_sectors import NorSectors
from support.slots_by_hand import Chip

ENVELOPE, INDEX, ROOT, FACTS = b"e" * 1_700, b"i" * 64, b"r" * 250, b"f" * 90


def test_papers_come_back_as_they_were_written():
    for parts in (
        (ENVELOPE, INDEX, ROOT, FACTS),
        (ENVELOPE, INDEX, b"", b""),
        (b"", b"", b"", b""),
    ):
        flash = NorSectors(4)
        papers.write(flash, 1, papers.to_bytes(*parts))
        held = papers.read(flash, 1)
        assert (held.envelope, held.index, held.root, held.facts) == parts


def test_whatever_is_no_whole_papers_is_none():
    flash = NorSectors(4)
    assert papers.read(flash, 1) is None
    data = papers.to_bytes(ENVELOPE, INDEX, ROOT, FACTS)
    papers.write(flash, 1, data)
    used = 64 + len(ENVELOPE) + len(INDEX) + len(ROOT) + len(FACTS)
    for at in list(range(32)) + list(range(32, used, 13)):
        if 12 <= at < 32:
            continue  # of the head's rest, below
        flash.cells[4096 + at] ^= 1 << at % 8
        assert papers.read(flash, 1) is None, at
        flash.cells[4096 + at] ^= 1 << at % 8
    flash.cells[4096 + 20] ^= 1
    assert papers.read(flash, 1) is None
    flash.cells[4096 + 20] ^= 1
    assert papers.read(flash, 1) is not None
    papers.erase(flash, 1)
    assert papers.read(flash, 1) is None


def test_papers_too_long_for_a_trailer_are_refused():
    room = papers.PAPERS_BYTES_MAX - 64
    assert len(papers.to_bytes(bytes(room), b"")) == papers.PAPERS_BYTES_MAX
    try:
        papers.to_bytes(bytes(room), b"i")
        raise AssertionError
    except ValueError:
        pass


def fullest():
    """Return a record in which each thing is as long as it may be."""
    record = Record()
    record.origin, record.counter, record.has_to_restore = b"o" * 8, (1 << 30) - 1, True
    record.rejected = [bytes([number]) * 32 for number in range(4)]
    record.facts = b"f" * (6 * 5 + 8 * 34)
    for number in range(2):
        slot = record.slots[number]
        slot.state, slot.left, slot.document, slot.digest = TRIAL, 12, b"d" * 32, b"h" * 32
        slot.size_bytes = slot.sequence = slot.security_counter = (1 << 30) - 1
    return record


def test_a_record_comes_back_and_nothing_else_is_one():
    data = fullest().to_bytes()
    assert len(data) <= RECORD_BYTES_MAX
    again = from_bytes(data)
    assert again.to_bytes() == data and again.slots[1].document == b"d" * 32
    for length in range(0, len(data), 7):
        assert from_bytes(data[:length]) is None
    assert from_bytes(data + b"\0") is None
    assert from_bytes(data[:1] + b"\x02" + data[2:]) is None  # of a later format
    for at in range(len(data)):  # it may say something else then, but it never raises
        from_bytes(data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :])


def test_the_fullest_record_fits_its_journal_again_and_again():
    table = Chip().table()
    state = Chip().table()
    for number in range(STATE_KEYS_MAX):
        state.put(b"skey%02d" % number, bytes(STATE_BYTES_MAX // STATE_KEYS_MAX - 7))
    state.commit()
    for number in range(60):
        table.put(b"slots", fullest().to_bytes())
        table.put(b"root", longest_root(number))
        saved.keep(table, state)
        table.commit()
    assert table.get(b"root") == longest_root(59)


def longest_root(number):
    """Return a root document of as many keys as there may be."""
    keys = [bytes([number, at]) * (KEY_BYTES // 2) for at in range(KEYS_MAX)]
    role = [ROLE_KEYS_MAX, list(range(KEYS_MAX - ROLE_KEYS_MAX, KEYS_MAX))]
    fields = ["root", NUMBER_MAX, TIME_MAX_S, NUMBER_MAX, NUMBER_MAX, keys, [role] * 3]
    data = encode(fields)
    assert len(Root(data).roles[0][1]) == ROLE_KEYS_MAX
    return data


def test_the_state_of_an_application_comes_back_and_the_kernels_stays():
    assert saved.STATE_PREFIX == PREFIX
    table, state = Chip().table(), Chip().table()
    for key, value in ((b"sa", b"1"), (b"sb", b"2" * 900), (b"sc", b""), (b"boot", b"7")):
        state.put(key, value)
    state.commit()
    saved.keep(table, state)
    table.commit()
    state.put(b"sa", b"changed")
    state.put(b"snew", b"9")
    state.put(b"boot", b"8")
    state.delete(b"sb")
    state.commit()
    for _ in range(2):  # a cut may come before it is forgotten
        assert saved.restore(table, state)
        found = {key: state.get(key) for key in state.keys()}  # noqa: SIM118
        assert found == {b"sa": b"1", b"sb": b"2" * 900, b"sc": b"", b"boot": b"8"}
    saved.forget(table)
    table.commit()
    assert not saved.restore(table, state)


def wakes(judge, count):
    """Return what is known after so many wakes."""
    for _ in range(count):
        found = judge.on_wake_end()
    return found


def test_signs_of_health():
    judge = signs.Signs()
    assert wakes(judge, 5) == signs.UNDECIDED  # nobody was heard
    judge.on_heard()
    assert wakes(judge, 1) == signs.IS_HEALTHY
    judge = signs.Signs()
    judge.on_heard()
    assert wakes(judge, signs.CLEAN_WAKES - 1) == signs.UNDECIDED
    judge.on_check(False)
    assert wakes(judge, 5) == signs.UNDECIDED
    judge.on_check(True)
    assert wakes(judge, 1) == signs.IS_HEALTHY
    assert wakes(signs.Signs(), signs.WAKES_MAX - 1) == signs.UNDECIDED
    assert wakes(signs.Signs(), signs.WAKES_MAX) == signs.IS_GIVEN_UP


def test_signs_outlive_a_sleep():
    judge, buffer = signs.Signs(), bytearray(4)
    judge.on_heard()
    wakes(judge, 2)
    assert judge.save_into(buffer, 1) == 3
    again = signs.Signs()
    assert again.load_from(buffer, 1) == 3
    assert again.on_wake_end() == signs.IS_HEALTHY


def test_papers_of_another_form_are_none_though_they_are_whole():
    data = bytearray(papers.to_bytes(ENVELOPE, INDEX, ROOT, FACTS))
    data[3] ^= 1  # of the mark of this form, before it is sealed
    data[papers._SEAL_AT : papers._HEAD_BYTES] = papers._seal(data)
    flash = NorSectors(4)
    papers.write(flash, 1, bytes(data))
    assert papers.read(flash, 1) is None
