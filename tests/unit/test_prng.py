"""The same numbers on every runtime, well spread and in bounds."""

from kernel.prng import Prng, seed_from
from support.script import raises


def test_one_seed_gives_the_same_numbers_everywhere():
    rng = Prng(1)
    assert [rng.below(1000) for _ in range(6)] == EXPECTED_1
    rng = Prng(0xFFFFFFFF)
    assert [rng.below(1 << 29) for _ in range(3)] == EXPECTED_LARGE


EXPECTED_1 = [33, 635, 673, 13, 313, 899]
EXPECTED_LARGE = [402386271, 460818106, 415505089]


def test_close_seeds_give_other_numbers():
    first = [tuple(Prng(seed).below(1 << 20) for _ in range(4)) for seed in range(100)]
    assert len(set(first)) == 100


def test_every_value_comes_about_as_often():
    rng = Prng(7)
    counts = [0] * 10
    for _ in range(5000):
        counts[rng.below(10)] += 1
    assert min(counts) > 400 and max(counts) < 600


def test_bounds_hold():
    rng = Prng(3)
    for bound in (1, 2, 3, 1000, 1 << 14, (1 << 14) + 1, 1 << 29):
        for _ in range(50):
            assert 0 <= rng.below(bound) < bound


def test_a_bound_of_none_is_a_bug_of_the_caller():
    raises(AssertionError, Prng(1).below, 0)


def test_a_seed_depends_on_every_part_and_their_borders():
    assert seed_from("a", 1) == seed_from("a", 1)
    assert len({seed_from("a", 1), seed_from("a1"), seed_from("a", 2), seed_from(b"b", 1)}) == 4
