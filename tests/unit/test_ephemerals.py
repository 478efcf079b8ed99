"""Ephemeral keys: made ahead up to a bound, and handed out once."""

from kernel.secure.ephemerals import AHEAD_MAX, Ephemerals
from support.script import raises
from support.secure_parties import Fleet


class _NoEntropy:
    PRIVATE_BYTES = 32

    def random(self, count):
        raise OSError(19, "no entropy")


def test_pairs_are_made_ahead_up_to_the_bound_and_handed_out_once():
    fleet = Fleet()
    keys = Ephemerals(fleet.port)
    assert not keys.is_full()
    for _ in range(AHEAD_MAX + 3):
        keys.make()
    assert keys.is_full()
    taken = [keys.take() for _ in range(AHEAD_MAX + 1)]  # the last one is made now
    assert len(set(taken)) == AHEAD_MAX + 1
    for private, public in taken:
        assert public == fleet.port.public_of(private)


def test_making_ahead_draws_no_more_than_is_kept():
    fleet = Fleet()
    drawn = []

    def random(count):
        drawn.append(count)
        return bytes((len(drawn),)) * count

    fleet.port.random = random
    keys = Ephemerals(fleet.port)
    for _ in range(10):
        keys.make()
    assert drawn == [32] * AHEAD_MAX


def test_without_entropy_there_are_no_keys():
    keys = Ephemerals(_NoEntropy())
    raises(OSError, keys.make)
    raises(OSError, keys.take)
    assert not keys.is_full()
