"""A snapshot comes back whole or not at all."""

import struct

from kernel.state import snapshot

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no such lock: there the steps are merely run

    def heap_lock():
        """Stand in."""

    heap_unlock = heap_lock


class Machine:
    """Remember some bytes."""

    def __init__(self, size, first=0):
        self.SNAPSHOT_BYTES = size
        self.kept = bytearray((first + index) & 0xFF for index in range(size))
        self.loads = 0

    def save_into(self, buffer, offset):
        """Write them."""
        for index in range(self.SNAPSHOT_BYTES):
            buffer[offset + index] = self.kept[index]
        return offset + self.SNAPSHOT_BYTES

    def load_from(self, buffer, offset):
        """Read them."""
        self.loads += 1
        for index in range(self.SNAPSHOT_BYTES):
            self.kept[index] = buffer[offset + index]
        return offset + self.SNAPSHOT_BYTES


SIZES = (3, 0, 11)
LENGTH = 14 + sum(SIZES) + 2 * len(SIZES)


def machines(sizes=SIZES):
    """Return machines that remember nothing yet."""
    fresh = [Machine(size) for size in sizes]
    for machine in fresh:
        for index in range(machine.SNAPSHOT_BYTES):
            machine.kept[index] = 0
    return fresh


def written(sequence=7):
    """Return a snapshot and what its machines hold."""
    saved = [Machine(size, 50 + size) for size in SIZES]
    buffer = bytearray(LENGTH)
    assert snapshot.write_into(buffer, saved, sequence) == LENGTH == snapshot.size_bytes(saved)
    return buffer, [bytes(machine.kept) for machine in saved]


def refuses(data, wanted, sequence_min=0):
    """Return whether a snapshot is refused and no machine touched."""
    kept = [bytes(machine.kept) for machine in wanted]
    refused = not snapshot.read_from(data, wanted, sequence_min)
    untouched = kept == [bytes(machine.kept) for machine in wanted]
    return refused and untouched and not any(machine.loads for machine in wanted)


def test_what_was_written_comes_back():
    buffer, kept = written()
    for data in (buffer, bytes(buffer), memoryview(buffer), bytes(buffer) + b"more"):
        fresh = machines()
        assert snapshot.read_from(data, fresh, 7)
        assert [bytes(machine.kept) for machine in fresh] == kept
        assert [machine.loads for machine in fresh] == [1, 1, 1]


def test_a_longer_buffer_gives_the_same_bytes():
    buffer, _ = written()
    longer = bytearray(b"\xaa" * 99)
    saved = [Machine(size, 50 + size) for size in SIZES]
    assert snapshot.write_into(longer, saved, 7) == LENGTH
    assert longer == buffer + b"\xaa" * (99 - LENGTH)


def test_every_flipped_bit_is_noticed():
    buffer, _ = written()
    fresh = machines()
    for bit in range(LENGTH * 8):
        buffer[bit >> 3] ^= 1 << (bit & 7)
        assert refuses(buffer, fresh), bit
        buffer[bit >> 3] ^= 1 << (bit & 7)
    assert snapshot.read_from(buffer, fresh, 0)


def test_every_pair_of_flipped_neighbouring_bytes_is_noticed():
    buffer, _ = written()
    fresh = machines()
    for index in range(LENGTH - 1):
        buffer[index] ^= 0x5A
        buffer[index + 1] ^= 0xFF
        assert refuses(buffer, fresh), index
        buffer[index] ^= 0x5A
        buffer[index + 1] ^= 0xFF


def test_every_truncation_is_noticed():
    buffer, _ = written()
    fresh = machines()
    for length in range(LENGTH):
        assert refuses(bytes(buffer[:length]), fresh), length
        rest = bytes(LENGTH - length)
        assert refuses(bytes(buffer[:length]) + rest, fresh), length


def test_nothing_is_no_snapshot():
    for data in (None, b"", bytes(LENGTH), b"\xff" * LENGTH, b"\xff" * 2048):
        assert refuses(data, machines())


def sealed(buffer):
    """Return a copy with the checksum that a writer of any version would give it."""
    import binascii

    data = bytearray(buffer)
    struct.pack_into(">I", data, 10, 0)
    struct.pack_into(">I", data, 10, binascii.crc32(data))
    return data


def test_the_checksum_is_that_of_the_specification():
    buffer, _ = written()
    assert sealed(buffer) == buffer


def test_another_magic_format_length_or_section_is_refused_though_its_checksum_is_right():
    buffer, _ = written()
    for offset in (0, 1, 2, 3, 4, 5, 14, 15, 19, 20, 21, 22):
        for change in (1, 255):
            data = bytearray(buffer)
            data[offset] = (data[offset] + change) & 0xFF
            assert refuses(sealed(data), machines()), offset
    # The same length and another cut, as of another version of the kernel.
    for sizes in ((3, 11, 0), (0, 3, 11), (4, 0, 10), (14,), (3, 0, 11, 0), (3, 0), (3, 9)):
        assert refuses(buffer, machines(sizes)), sizes


def test_an_older_snapshot_is_refused_and_a_newer_one_not():
    buffer, _ = written(7)
    assert refuses(buffer, machines(), 8)
    assert refuses(buffer, machines(), (1 << 30) - 1)
    assert snapshot.read_from(buffer, machines(), 7)
    assert snapshot.read_from(buffer, machines(), 0)
    buffer, _ = written((1 << 30) - 1)
    assert snapshot.read_from(buffer, machines(), (1 << 30) - 1)


def test_writing_allocates_nothing():
    saved = [Machine(size) for size in SIZES]
    buffer = bytearray(LENGTH)
    heap_lock()
    length = snapshot.write_into(buffer, saved, 1)
    heap_unlock()
    assert length == LENGTH


def test_more_than_rtc_memory_is_a_mistake_of_the_programmer():
    for sizes, room in (((1010,), 1026), ((8,), 23)):
        try:
            snapshot.write_into(bytearray(room), machines(sizes), 1)
        except AssertionError:
            continue
        raise AssertionError("it fits")
    assert snapshot.write_into(bytearray(1024), machines((1008,)), 1) == 1024
