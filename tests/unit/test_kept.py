"""What a board keeps of a release to hand on: there or not there, never something else."""

from kernel.ports import Flash
from kernel.release.kept import Kept
from kernel.release.talk import PIECE_BYTES, piece_of


class Ram(Flash):
    """Sectors in memory; programming what is not erased is a mistake."""

    def __init__(self, sector_count: int) -> None:
        self.sector_count = sector_count
        self.cells = bytearray(b"\x5a" * (sector_count * self.sector_bytes))  # of an old image
        self.is_broken = False

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        if self.is_broken:
            raise OSError(5)
        buffer[:] = self.cells[address : address + len(buffer)]

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        if self.is_broken:
            raise OSError(5)
        assert address % 32 == len(data) % 32 == 0
        assert self.cells[address : address + len(data)] == b"\xff" * len(data)
        self.cells[address : address + len(data)] = data

    def erase(self, sector: int) -> None:
        size = self.sector_bytes
        self.cells[sector * size : (sector + 1) * size] = b"\xff" * size


def loaded(flash: Flash, tag: int = 7) -> Kept:
    kept = Kept(flash, tag)
    kept.load()
    return kept


def test_what_is_kept_is_found_by_who_comes_later() -> None:
    flash = Ram(3)
    kept = loaded(flash)
    assert kept.get(0, 0) is None and kept.forms() == []
    parts = [(part, form, bytes([part]) * size) for part, form, size in
             ((0, 1, 1), (1, 1, 4000), (2, 900, 15), (66, 0, 1700), (129, 0, 2500))]  # fmt: skip
    for part, form, data in parts:
        assert kept.put(part, form, data) and kept.put(part, form, b"not twice")
    for one in (kept, loaded(flash)):
        for part, form, data in parts:
            assert one.get(part, form) == data
        assert one.forms() == [0, 1, 900] and one.get(0, 0) is None
    assert not kept.put(3, 1, bytes(4000)) and not loaded(flash).put(3, 1, bytes(4000))
    assert loaded(flash).put(3, 1, bytes(1000)) and loaded(flash).get(3, 1) == bytes(1000)


def test_what_another_release_left_is_not_its_own() -> None:
    flash = Ram(3)
    kept = loaded(flash, 7)
    for part in range(5):
        kept.put(part, 1, bytes([part]) * 2000)
    other = loaded(flash, 8)
    assert other.forms() == []
    assert other.put(0, 1, b"mine") and loaded(flash, 8).get(0, 1) == b"mine"
    assert loaded(flash, 8).get(1, 1) is None


def test_what_is_torn_anywhere_is_left_out_and_the_log_goes_on() -> None:
    whole = Ram(4)
    kept = loaded(whole)
    for part in range(3):
        kept.put(part, 1, bytes([part + 1]) * 1500)
    start, end = 1728 * 2, 1728 * 3
    for at in range(start, end, 96):
        flash = Ram(4)
        flash.cells[:] = whole.cells
        flash.cells[at:end] = b"\xff" * (end - at)  # the power went in the middle of the last one
        after = loaded(flash)
        assert after.get(0, 1) == b"\x01" * 1500 and after.get(2, 1) is None
        assert after.put(9, 1, b"new" * 300) and loaded(flash).get(9, 1) == b"new" * 300
    for at in range(0, 1536, 7):  # a byte that rotted
        flash = Ram(4)
        flash.cells[:] = whole.cells
        flash.cells[at] ^= 0x10
        assert loaded(flash).get(0, 1) in (None, b"\x01" * 1500)  # what fills it up may rot
    for at in range(64, 1536, 224):  # of each piece
        flash = Ram(4)
        flash.cells[:] = whole.cells
        flash.cells[at] ^= 0x10
        assert loaded(flash).get(0, 1) is None


def test_flash_that_fails_keeps_nothing_and_disturbs_nobody() -> None:
    flash = Ram(2)
    kept = loaded(flash)
    kept.put(0, 1, b"x")
    flash.is_broken = True
    assert kept.get(0, 1) is None and not kept.put(1, 1, b"y") and loaded(flash).forms() == []
    flash.is_broken = False
    assert not kept.put(1, 1, b"y")  # nor is it asked again
    assert Kept(Ram(0), 1).put(0, 1, b"x") is False  # no room at all


DATA = bytes([n * 7 & 255 for n in range(500)])  # three pieces


def begun(flash: Flash, *indices: int) -> Kept:
    kept = loaded(flash)
    assert kept.begin(4, 1, len(DATA)) and kept.is_started(4, 1, len(DATA))
    for index in indices:
        kept.add(4, index, piece_of(DATA, index))
    return kept


def test_pieces_are_found_by_who_comes_later_and_handed_on_once_they_are_sound() -> None:
    for indices in ((), (0,), (1,), (2, 0), (0, 1, 2)):
        flash = Ram(2)
        begun(flash, *indices)
        kept = loaded(flash)
        found = kept.started(4)
        assert found is not None and found[0] == 1
        for index in range(3):
            is_here = index in indices
            assert found[2] >> index & 1 == int(not is_here)
            assert not is_here or piece_of(found[1], index) == piece_of(DATA, index)
        assert kept.get(4, 1) is None and kept.forms() == []
        for index in range(3):
            kept.add(4, index, piece_of(DATA, index))  # once each: programming twice is a mistake
        assert kept.get(4, 1) is None
        kept.judge(4, True)
        for one in (kept, loaded(flash)):
            assert one.get(4, 1) == DATA and one.started(4) is None and one.forms() == [1]


def test_what_was_wrong_is_gone_on_with_by_nobody() -> None:
    flash = Ram(2)
    begun(flash, 0, 1, 2).judge(4, False)
    kept = loaded(flash)
    assert kept.started(4) is None and kept.get(4, 1) is None
    assert not kept.is_started(4, 1, len(DATA))
    kept.judge(4, True)  # of what is not there
    assert kept.put(4, 1, DATA) and loaded(flash).get(4, 1) == DATA


def test_what_was_begun_last_of_a_part_counts() -> None:
    flash = Ram(2)
    kept = begun(flash, 0)
    assert kept.begin(4, 900, 300)
    kept.add(4, 1, bytes(300 - PIECE_BYTES))
    for one in (kept, loaded(flash)):
        found = one.started(4)
        assert found is not None and (found[0], len(found[1]), found[2]) == (900, 300, 1)


def test_where_a_piece_is_torn_the_part_is_begun_anew_with_the_others() -> None:
    flash = Ram(2)
    begun(flash, 0, 1)
    flash.cells[64 + 224 + 100] ^= 0xFF
    kept = loaded(flash)
    found = kept.started(4)
    assert found is not None and found[2] == 0b110
    assert piece_of(found[1], 0) == piece_of(DATA, 0)
    assert not kept.is_started(4, 1, len(DATA))
    assert loaded(flash).started(4) is not None  # until it was


def test_a_place_that_does_not_fit_is_none() -> None:
    kept = loaded(Ram(1))
    assert not kept.begin(0, 1, 4096) and kept.begin(0, 1, 3400) and not kept.begin(1, 1, 1000)
    flash = Ram(1)
    kept = begun(flash)
    flash.is_broken = True
    kept.add(4, 0, piece_of(DATA, 0))
    kept.judge(4, True)
    assert kept.get(4, 1) is None
