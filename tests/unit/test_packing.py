"""A payload is packed when that costs less than what it saves, as far as one can know before."""

from kernel.codec.frame import KIND_MESSAGE, KIND_REQUEST, KIND_RESPONSE, KIND_TELEMETRY
from kernel.power.modes import MODE_CRITICAL, MODE_NORMAL, MODE_SAVING
from kernel.power.packing import BYTE_US, FRAME_US, SIZE_MIN, TRIES_APART, Packing, pays

CURRENTS_UA = (40_000, 95_000, 355_000, 30_000, 400, 8)
OVER_UA = 355_000 - 95_000
NONE_UA = (0,) * 6
TOPIC, OTHER = b"log", b"status"


def tried(packing, count=1, topic=TOPIC, mode=MODE_NORMAL, *, size=200, kind=KIND_MESSAGE):
    """Return how many of some payloads may be packed; what comes of it is not told."""
    return sum(packing.may(kind, topic, size, mode) for _ in range(count))


def test_the_bytes_saved_must_cost_more_than_the_work():
    for size, packed in ((200, 120), (64, 60), (226, 40)):
        saved_pc = (size - packed) * BYTE_US * OVER_UA
        for work_us in (saved_pc // 40_000 - 1, saved_pc // 40_000 + 1):
            is_worth = work_us * 40_000 < saved_pc
            assert pays(size, packed, work_us, CURRENTS_UA) is is_worth
            # Who has little left wants twice the gain.
            assert (
                pays(size, packed, work_us // 2 + 1 - 2 * is_worth, CURRENTS_UA, True) is is_worth
            )
    assert not pays(200, 200, 0, CURRENTS_UA)


def test_a_frame_saved_counts_with_all_that_surrounds_it():
    # 227 bytes are two fragments, 226 are one frame with its protection.
    work_us = FRAME_US * OVER_UA // 40_000
    assert pays(227, 226, work_us, CURRENTS_UA)
    assert not pays(226, 225, work_us, CURRENTS_UA)
    assert not pays(228, 227, work_us, CURRENTS_UA)
    assert pays(1_000, 860, work_us, CURRENTS_UA), "five fragments, and four"


def test_a_slow_link_pays_where_a_fast_one_does_not():
    assert not pays(60, 50, 5_000, CURRENTS_UA)
    assert pays(60, 50, 5_000, CURRENTS_UA, False, 1_000, 30_000)


def test_without_currents_the_air_alone_counts():
    assert pays(200, 199, 1 << 20, NONE_UA)
    assert not pays(200, 200, 0, NONE_UA) and not pays(200, 201, 0, NONE_UA)


def test_a_receiver_that_takes_more_than_sending_never_pays():
    assert not pays(200, 20, 1, (40_000, 355_000, 95_000, 0, 0, 0))


def test_small_payloads_are_never_tried():
    packing = Packing(NONE_UA)
    assert not tried(packing, 100, size=SIZE_MIN - 1)
    assert tried(packing, size=SIZE_MIN)


def test_nothing_that_may_hold_a_key_is_packed():
    packed = [kind for kind in range(256) if tried(Packing(NONE_UA), kind=kind)]
    assert packed == [KIND_MESSAGE, KIND_TELEMETRY, KIND_REQUEST, KIND_RESPONSE]


def test_what_paid_goes_on_and_what_did_not_is_tried_now_and_then():
    packing = Packing(CURRENTS_UA)
    assert tried(packing), "nothing is known: it has to be tried"
    packing.on_packed(TOPIC, 200, 80, 400)
    assert tried(packing, 20) == 20
    for _ in range(12):
        packing.on_packed(TOPIC, 200, 0, 400)
    assert tried(packing, 10 * TRIES_APART) == 10
    for _ in range(12):
        packing.on_packed(TOPIC, 200, 80, 400)
    assert tried(packing, 20) == 20


def test_each_topic_is_known_on_its_own():
    packing = Packing(CURRENTS_UA)
    packing.on_packed(TOPIC, 200, 0, 400)
    packing.on_packed(OTHER, 200, 80, 400)
    assert (tried(packing), tried(packing, topic=OTHER)) == (0, 1)


def test_a_slow_board_packs_less():
    for us_per_byte, is_worth in ((1, True), (100, False)):
        packing = Packing(CURRENTS_UA)
        packing.on_packed(TOPIC, 200, 100, 200 * us_per_byte)
        assert tried(packing) == is_worth


def test_a_low_battery_tries_nothing_and_wants_more():
    packing = Packing(CURRENTS_UA)
    for mode in (MODE_SAVING, MODE_CRITICAL):
        assert not tried(packing, 3 * TRIES_APART, mode=mode)
    # Saved: 100 bytes, 208 uC; work: 150 uC.
    packing.on_packed(TOPIC, 200, 100, 3_750)
    assert tried(packing, 2) == 2
    assert not tried(packing, 2 * TRIES_APART, mode=MODE_SAVING)
    packing = Packing(CURRENTS_UA)
    packing.on_packed(TOPIC, 200, 100, 1_875)
    assert tried(packing, mode=MODE_CRITICAL) == 1


def test_a_sleep_forgets_nothing():
    packing = Packing(CURRENTS_UA)
    packing.on_packed(TOPIC, 200, 0, 400)
    packing.on_packed(OTHER, 200, 80, 400)
    tried(packing, TRIES_APART - 2)
    snapshot = bytearray(3 + Packing.SNAPSHOT_BYTES)
    assert packing.save_into(snapshot, 3) == len(snapshot)
    woken = Packing(CURRENTS_UA)
    assert woken.load_from(snapshot, 3) == len(snapshot)
    assert [tried(woken), tried(woken), tried(woken)] == [0, 1, 0]
    assert tried(woken, topic=OTHER)


def test_a_snapshot_of_anything_is_survived():
    for byte in (1, 0x7F, 0xFF):
        packing = Packing(CURRENTS_UA)
        packing.load_from(bytes((byte,)) * Packing.SNAPSHOT_BYTES, 0)
        assert tried(packing, 2 * TRIES_APART, topic=OTHER) >= 2
