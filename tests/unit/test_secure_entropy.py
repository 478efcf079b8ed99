"""Keys are made of a boot that proved its entropy, and of no other."""

from kernel.prng import Prng
from kernel.secure.entropy import HARDWARE_BYTES, JITTER_COUNT, MARK_BYTES, Entropy


def hardware(seed=1):
    """Return bytes without a run, each value twice: the plainest that pass."""
    prng = Prng(seed)
    found = bytearray(range(256)) + bytearray(range(256))
    for i in range(len(found) - 1, 0, -1):
        j = prng.below(i + 1)
        found[i], found[j] = found[j], found[i]
    return found


def gathered(data=None, ticks=None, is_true=True, earlier=b""):
    entropy = Entropy(earlier)
    entropy.on_hardware(bytes(hardware() if data is None else data), is_true)
    at = 0
    prng = Prng(2)
    for i in range(JITTER_COUNT):
        at += 40 + prng.below(60) if ticks is None else ticks(i)
        entropy.on_jitter(at)
    return entropy


def refused(entropy):
    try:
        entropy.make_keys()
    except OSError:
        return not entropy.is_proven()
    return False


def test_a_good_boot_makes_two_keys():
    entropy = gathered()
    assert entropy.is_proven()
    agree, sign = entropy.make_keys()
    assert len(agree) == len(sign) == 32 and agree != sign


def test_keys_are_made_once():
    entropy = gathered()
    entropy.make_keys()
    assert refused(entropy)


def test_every_byte_and_every_time_counts():
    keys = gathered().make_keys()
    assert keys == gathered().make_keys()
    for at in (0, 100, HARDWARE_BYTES - 1):
        data = hardware()
        data[at] ^= 1
        other = gathered(data).make_keys()
        assert other[0] != keys[0] and other[1] != keys[1], at
    late = gathered()
    late.on_jitter(5)
    assert late.make_keys() != keys
    late = gathered()
    late.on_hardware(b"\x00", True)
    assert late.make_keys() != keys
    late = gathered()
    late.on_hardware(b"\x00", False)
    assert late.make_keys() != keys


def test_computed_bytes_do_not_count():
    assert refused(gathered(is_true=False))


def test_too_few_bytes_do_not_count():
    assert refused(gathered(hardware()[:-1]))
    entropy = gathered(hardware()[:-1])
    entropy.on_hardware(b"\x07", True)
    assert entropy.is_proven()


def test_bytes_may_come_in_pieces():
    entropy = gathered(b"")
    data = bytes(hardware())
    for at in range(0, HARDWARE_BYTES, 5):
        entropy.on_hardware(data[at : at + 5], True)
    assert entropy.is_proven() and entropy.mark() == gathered().mark()


def test_a_value_that_comes_too_often_is_refused():
    for count, is_good in ((20, True), (21, False), (300, False)):
        data = hardware()
        # Every second place at most, so that there is no run.
        left = count - 2
        for at in range(0, HARDWARE_BYTES, 1 if count > 256 else 3):
            if left and data[at] != 9:
                data[at] = 9
                left -= 1
        assert gathered(data).is_proven() == is_good, count


def test_a_run_is_refused():
    for count, is_good in ((5, True), (6, False)):
        data = hardware()
        at = data.find(b"\x09")
        at = min(at, HARDWARE_BYTES - count)
        for i in range(at, at + count):
            data[i] = 9
        if at and data[at - 1] == 9:
            data[at - 1] = 8
        if at + count < HARDWARE_BYTES and data[at + count] == 9:
            data[at + count] = 8
        assert gathered(data).is_proven() == is_good, count


def test_what_stood_still_stays_refused():
    entropy = gathered(bytes(HARDWARE_BYTES))
    entropy.on_hardware(bytes(hardware()), True)
    assert refused(entropy)


def test_times_that_do_not_vary_are_refused():
    assert refused(gathered(ticks=lambda i: 50))
    assert refused(gathered(ticks=lambda i: 50 if i < 98 else 51 + i))
    assert gathered(ticks=lambda i: 50 if i < 95 else 51 + i).is_proven()
    entropy = Entropy()
    entropy.on_hardware(bytes(hardware()), True)
    assert refused(entropy)


def test_a_generator_that_starts_anew_is_refused():
    mark = gathered().mark()
    assert len(mark) == MARK_BYTES
    assert refused(gathered(earlier=mark))
    assert gathered(hardware(7), earlier=mark).is_proven()


def test_good_hardware_is_hardly_ever_refused():
    # A value 21 times in 512, of 256 values: the sum of the binomials, bounded from above.
    ways = 1
    for i in range(21):
        ways = ways * (512 - i) // (i + 1)
    # C(512, 21) / 256**21 for one value; the later terms are less than as much again.
    assert 256 * 2 * ways * 10**10 < 256**21
    assert 507 * 2**31 < 256**5  # and a run of six


def test_real_randomness_passes():
    import os

    for _ in range(20):
        assert gathered(os.urandom(HARDWARE_BYTES)).is_proven()
