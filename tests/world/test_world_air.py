"""The air: who waits for whom, who collides, and what an acknowledged frame takes."""

import random

import pytest

from cma_toolkit.firmware.kernel.codec.cobs import Stuffer
from cma_toolkit.sim.world.medium.airtime import (
    ACK_US,
    DIFS_US,
    FRAME_US_MAX,
    SIFS_US,
    SLOT_US,
    TRIES_MAX,
    frame_us,
    wire_us,
)
from support.air import Air
from support.dcf import send_all

FRAME = bytes(100)
LINE = [[0, 0], [20, 0], [40, 0]]  # with a range of 25 m the ends do not hear each other


def test_air_time_is_that_of_802_11_at_1_mbit() -> None:
    # 192 us of preamble, 43 bytes around the payload, and 8 us for each byte.
    assert frame_us(250) == FRAME_US_MAX == 192 + 8 * 293 == 2536
    assert ACK_US == 304


@pytest.mark.parametrize("length", [15, 100, 249, 250])
def test_a_frame_on_a_wire_takes_the_time_of_its_stuffed_bytes(length: int) -> None:
    stuffed_bytes = Stuffer().stuff(b"\x01" * length, length)
    assert wire_us(length, 1_000_000) in (10 * stuffed_bytes, 10 * (stuffed_bytes + 1))


def test_a_lone_frame_comes_after_a_millisecond_and_its_time_on_the_air() -> None:
    spans = set()
    for seed in range(60):
        air = Air([[0, 0], [5, 0]], seed=seed)
        air.send(0, FRAME)
        air.run(50)
        (at_ms, source, target, data) = air.arrived[0]
        assert (source, target, data, len(air.arrived)) == (0, 1, FRAME, 1)
        spans.add(at_ms)
        assert air.counts("air_us") == [frame_us(100), 0]
    assert spans == {3, 4}  # 1 to 2 ms, and 1.336 ms on the air


@pytest.mark.parametrize("count", [4, 8, 16])
def test_those_who_hear_each_other_share_the_air_as_802_11_does(count: int) -> None:
    rounds, rng = 150, random.Random(1)
    lost, last_ms = 0, 0
    for seed in range(rounds):
        air = Air([[index, 0] for index in range(count)], seed=seed)
        for source in range(count):
            air.send(source, FRAME)
        air.run(100)
        lost += count * (count - 1) - len(air.arrived)
        last_ms += max(sound.busy_us for sounds in air.radio.air.heard for sound in sounds) / 1000
    bursts = [send_all(count, frame_us(100) // SLOT_US, 50, rng) for _ in range(rounds)]
    collided = sum(burst.collided for burst in bursts) / (rounds * count)
    ends_ms = 1 + sum(burst.slots for burst in bursts) * SLOT_US / 1000 / rounds
    assert abs(lost / (rounds * count * (count - 1)) - collided) < 0.05
    assert abs(last_ms / rounds / ends_ms - 1) < 0.08


def test_hidden_senders_collide_at_who_hears_both() -> None:
    collided = 0
    for seed in range(50):
        air = Air(LINE, range_m=25, seed=seed)
        air.send(0, FRAME)
        air.send(2, FRAME)
        air.run(50)
        assert air.heard(0) == air.heard(2) == []
        collided += air.counts("collided")[1]
    assert collided > 90  # both begin within 1 ms and take 1.3


def test_the_stronger_by_far_is_heard_through_a_collision() -> None:
    air = Air([[0, 0], [2, 0], [25, 0]], range_m=24)
    air.send(0, b"near" * 25)
    air.send(2, b"far!" * 25)
    air.run(50)
    assert air.heard(1) == [b"near" * 25]
    assert air.counts("collided") == [0, 1, 0]


def test_who_sends_hears_nothing_meanwhile() -> None:
    # Each hears the other, but the slot that both drew tells neither.
    seeds = [seed for seed in range(400) if _is_tied(seed)]
    assert 2 <= len(seeds) <= 40


def _is_tied(seed: int) -> bool:
    air = Air([[0, 0], [5, 0]], seed=seed)
    air.send(0, FRAME)
    air.send(1, FRAME)
    air.run(50)
    assert len(air.arrived) in (0, 2)
    return not air.arrived


def test_frames_of_one_sender_arrive_in_the_order_of_sending() -> None:
    for seed in range(30):
        air = Air([[0, 0], [5, 0]], seed=seed)
        sent = [bytes([number]) * 200 for number in range(5)]
        for data in sent:
            air.send(0, data)
        air.run(100)
        assert air.heard(1) == sent


def test_a_frame_for_one_reaches_only_that_one_and_is_acknowledged() -> None:
    air = Air([[0, 0], [5, 0], [0, 5]])
    air.send(0, FRAME, target=1)
    air.run(50)
    assert [entry[1:3] for entry in air.arrived] == [(0, 1)]
    assert air.failed == []
    assert air.counts("air_us") == [frame_us(100), ACK_US, 0]
    assert [air.radio.again_us(agent) for agent in range(3)] == [0, ACK_US, 0]


def test_what_nobody_acknowledges_is_tried_again_and_then_fails() -> None:
    air = Air([[0, 0], [5, 0]], deaf={1})
    air.send(0, FRAME, target=1)
    air.send(0, b"next" * 10)
    air.run(1)
    air.deaf = {1}
    air.run(1000)
    assert len(air.failed) == 1 and air.arrived == []
    assert air.counts("frames") == [2, 0]
    assert air.counts("retries") == [TRIES_MAX - 1, 0]
    assert air.counts("air_us")[0] == TRIES_MAX * frame_us(100) + frame_us(40)
    assert air.radio.again_us(0) == (TRIES_MAX - 1) * frame_us(100)


def test_each_try_waits_longer_than_the_one_before() -> None:
    spans_ms = []
    for seed in range(40):
        air = Air([[0, 0], [5, 0]], deaf={1}, seed=seed)
        air.send(0, FRAME, target=1)
        air.run(1000)
        spans_ms += [at_ms for at_ms, _source in air.failed]
    # Half of 64, 128, 256, 512, 1024 and 1024 slots, and 2.3 ms for each try.
    assert 40 < sum(spans_ms) / len(spans_ms) < 55


def test_the_air_is_kept_free_for_an_acknowledgement() -> None:
    followed = 0
    for seed in range(60):
        air = Air([[0, 0], [5, 0], [0, 5]], seed=seed)
        air.send(0, FRAME, target=1)
        air.send(2, FRAME)
        air.run(5)
        first, second, *_retries = sorted(sound.plain() for sound in air.radio.air.heard[1])
        if first[3] == 0 and second[0] >= first[0] + SLOT_US:
            assert second[0] >= first[1] + SIFS_US + ACK_US + DIFS_US
            followed += 1
    assert followed > 15


def test_a_target_that_wakes_in_time_gets_the_frame_once() -> None:
    air = Air([[0, 0], [5, 0]], deaf={1})
    air.send(0, FRAME, target=1)
    air.run(5)
    air.deaf.clear()
    air.run(1000)
    assert air.heard(1) == [FRAME] and air.failed == []


def test_frames_behind_one_that_waits_for_its_acknowledgement_wait_too() -> None:
    air = Air([[0, 0], [5, 0]], deaf={1})
    air.send(0, b"first" * 10, target=1)
    air.send(0, b"second" * 10)
    air.send(0, b"third" * 10, target=1)
    air.run(6)
    air.deaf.clear()
    air.run(1000)
    assert air.heard(1) == [b"first" * 10, b"second" * 10, b"third" * 10]


def test_loss_is_as_asked_and_retries_make_up_for_it() -> None:
    air = Air([[0, 0], [5, 0]], loss_permille=300)
    for _ in range(1000):
        air.send(0, FRAME)
        air.run(10)
    assert 650 < len(air.arrived) < 750
    assert len(air.arrived) + air.counts("faded")[1] == 1000
    air.arrived.clear()
    for number in range(1000):
        air.send(0, number.to_bytes(2, "big") * 50, target=1)
        air.run(200)
    assert len(set(air.heard(1))) == len(air.heard(1))
    # A frame comes through with its acknowledgement in 49 of 100 tries, and never twice.
    assert len(air.arrived) >= 995
    assert len(air.failed) <= 25
    assert 800 < air.counts("retries")[0] < 1300


def test_what_one_hears_changes_no_chance_of_another() -> None:
    def heard_from_0(others: bool) -> list[bytes]:
        # 2 hears 0 and 3, and 1 hears only 0: what fades at 2 is drawn by 2.
        air = Air([[0, 0], [-9, 0], [9, 0], [18, 0]], range_m=10, loss_permille=300)
        for number in range(200):
            air.send(0, bytes([number]) * 50)
            air.run(20)
            if others:
                air.send(3, FRAME)
                air.send(3, FRAME, target=2)
            air.run(300)
        return [data for _at_ms, source, who, data in air.arrived if source == 0 and who == 1]

    assert heard_from_0(others=False) == heard_from_0(others=True)
    air = Air([[0, 0], [5, 0], [0, 5]], loss_permille=300)
    for number in range(200):
        for source in (0, 1):
            air.send(source, bytes([number]) * 50)
            air.run(20)
    came = [[e[3] for e in air.arrived if e[1:3] == (source, 2)] for source in (0, 1)]
    assert came[0] != came[1]
    assert 120 < len(heard_from_0(others=False)) < 160


def test_power_that_is_cut_before_its_frame_is_on_the_air_takes_it() -> None:
    air = Air([[0, 0], [5, 0]])
    air.send(0, FRAME)
    air.radio.silence(0)
    air.run(100)
    assert air.arrived == [] and air.counts("frames") == [0, 0]


def test_a_collision_counts_though_a_third_frame_came_after_it() -> None:
    tied = 0
    for seed in range(300):
        air = Air([[2, 0], [0, 0], [0, 20]], range_m=20, seed=seed)  # the ends do not hear
        air.send(0, bytes(250))
        air.send(1, bytes(15))
        air.run(2)
        air.send(2, bytes(15))
        air.run(50)
        if not air.heard(0):
            tied += 1
            assert bytes(250) not in air.heard(1)
    assert tied > 2


def test_what_ends_in_one_millisecond_comes_in_the_order_of_its_end() -> None:
    several = 0
    for seed in range(20):
        air = Air([[index * 7, index % 3 * 9] for index in range(12)], range_m=20, seed=seed)
        for at_ms in range(40):
            air.send(at_ms * 5 % 12, bytes(20 + at_ms * 50 % 200))
            ends = sorted(air.radio._due.get(at_ms + 1, []))
            before = len(air.arrived)
            air.run(1)
            came = [source for _at_ms, source, _target, _data in air.arrived[before:]]
            order = [source for _end_us, source, _frame in ends if source in came]
            assert list(dict.fromkeys(came)) == order
            several += len(order) > 1
    assert several > 20


def test_power_that_is_cut_takes_the_queue_and_the_frame_on_the_air() -> None:
    air = Air([[0, 0], [5, 0]])
    air.send(0, FRAME, target=1)
    air.send(0, FRAME)
    air.run(1)
    air.radio.silence(0)
    air.run(1)
    air.send(0, b"new" * 10)
    air.run(100)
    assert air.heard(1) == [b"new" * 10] and air.failed == []
    assert not air.turns


def test_the_order_of_asking_within_a_millisecond_does_not_matter() -> None:
    def outcome(order: list[int]) -> list[tuple[int, int, int, bytes]]:
        air = Air(
            [[index * 7, index % 3 * 9] for index in range(12)], range_m=25, loss_permille=200
        )
        for _ in range(5):
            for source in order:
                air.send(source, bytes([source]) * 60, target=(source + 1) % 12)
                air.send(source, bytes([source]) * 90)
            air.run(40)
        air.run(2000)
        return air.arrived

    forward = outcome(list(range(12)))
    assert outcome(list(range(11, -1, -1))) == forward
    assert outcome([5, 3, 0, 11, 8, 1, 7, 2, 10, 4, 9, 6]) == forward
    assert len(forward) > 100


def test_the_air_keeps_nothing_of_what_is_over() -> None:
    air = Air([[0, 0], [5, 0], [9, 9]], loss_permille=100)
    for number in range(200):
        air.send(number % 3, FRAME, target=-1 if number % 2 else (number + 1) % 3)
        air.run(7)
    air.run(5000)
    air.send(0, FRAME)
    air.run(5000)
    kept = (air.radio._asked, air.radio._due, air.radio._held)
    assert not any(kept)
    assert max(len(sounds) for sounds in air.radio.air.heard) <= 2


@pytest.mark.parametrize("count", [2, 3])
def test_agents_far_apart_talk_at_once(count: int) -> None:
    air = Air([[index * 1000, 0] for index in range(count)], range_m=100)
    for source in range(count):
        air.send(source, FRAME)
    air.run(10)
    assert air.arrived == [] and air.counts("collided") == [0] * count
    assert air.counts("frames") == [1] * count
