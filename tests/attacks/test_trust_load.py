"""Classes 57 to 60: wake-ups, peers, air time and clocks, all more than there is."""

from attacks.attack import attack, check, stopped
from attacks.places import ACQUAINTANCES, CERTIFICATE, GOVERNOR, SENDERS, TOKEN

from kernel.codec import frame
from kernel.codec.frame import read_source
from kernel.limits import HEADER_BYTES, OUTBOX_FRAMES_MAX
from kernel.secure.acquaintances import ACQUAINTANCES_MAX, by_name
from kernel.secure.certificate import Certificate
from kernel.secure.edhoc import Credential
from kernel.secure.senders import SENDERS_MAX
from kernel.secure.session import PROVES_MEMBER
from kernel.secure.token import ANSWER_MS_MAX, Challenge
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff
from support.pair import Pair
from support.protected import ALL, cluster
from support.secure_parties import EXPIRES_S, NETWORK, Fleet, certified
from support.sleeper import Sleeper

FLOOD = 0x5000
CURRENTS = {"active": 30_000, "wifi_rx": 90_000, "wifi_tx": 200_000, "deep_sleep": 10}
PERIOD_MS, SPAN_MS = 60_000, 900_000
BUDGET_UAH = 12_500  # of a day; the agent gets a hundredth of it in each span


def flooded(board: Sleeper, span_ms: int) -> int:
    """Ask an agent for answers whenever it is awake; return the charge it uses, uAh."""
    before, start_ms, sequence = board.node.status("used_uah"), board.now_ms, 0
    target = board.node.identity.node
    while ticks_diff(board.now_ms, start_ms) < span_ms:
        board.run(10)
        sequence = sequence + 1 & 0xFFFF
        data = bytearray(HEADER_BYTES) + b"\x41\x00"
        frame.write_header(data, frame.KIND_PING, 7, FLOOD, target, sequence)
        board.hear(data)
        board.frames, board.sent_at_ms = [], []
    used: int = board.node.status("used_uah") - before
    return used


@attack(
    check(
        "what a day has left",
        GOVERNOR,
        "if not energy.afford(now_ms, energy.send_nah(length), is_control):",
        "if False:",
        (GOVERNOR, "return self.quotas.level(self.now_ms, QUOTA_ENERGY_NAH) > 0", "return True"),
    )
)
def test_trust_57_flood_of_wake_ups() -> None:
    calm, poor = [
        Sleeper(wake_period_ms=PERIOD_MS, currents=CURRENTS, budget_uah_per_day=BUDGET_UAH)
        for _ in range(2)
    ]
    for board in (calm, poor):
        board.run(2 * PERIOD_MS)
    calm.run(SPAN_MS)
    flooded(poor, SPAN_MS)  # uses up what was saved
    before = calm.node.status("used_uah")
    calm.run(SPAN_MS)
    most = calm.node.status("used_uah") - before + BUDGET_UAH // 100
    used = flooded(poor, SPAN_MS)
    stopped(used <= most, f"{used} uAh, where {most} are the most")


@attack(
    check(
        "knowing that a window was given away",
        SENDERS,
        "self.is_complete = False  # from now on",
        "pass",
    ),
    check("room for certificates", ACQUAINTANCES, "if others < ACQUAINTANCES_MAX:", "if True:"),
)
def test_trust_58_more_peers_than_there_is_room_for() -> None:
    [listener, member, *crowd] = cluster(*range(1, SENDERS_MAX + 4))
    said = member.sealed(ALL, b"open")
    assert listener.opened(said) == b"open" and listener.protection.proves == PROVES_MEMBER
    for other in crowd:
        assert listener.opened(other.sealed(ALL, b"here")) == b"here"
    is_fresh = listener.opened(said) == b"open" and listener.protection.proves == PROVES_MEMBER
    stopped(not is_fresh, "whoever lost its row is heard again, as if for the first time")
    board = Fleet().board(11)
    for node in range(100, 100 + 3 * ACQUAINTANCES_MAX):
        value = certified(lambda message: bytes(64), b"\x11" * 32, node=node)
        board.peers.node = node
        board.peers.remember(Credential(by_name(value), value, b"\x11" * 32))
    stopped(len(board.table.keys()) <= ACQUAINTANCES_MAX, "flash fills with certificates")


class AirMeter:
    """Take the place of a pair's list of frames: the sum of one node's air time."""

    def __init__(self, node: int) -> None:
        self.air_ms, self._node = 0, node

    def append(self, data: bytes) -> None:
        """Add what a frame takes: a bit per microsecond, what surrounds it included."""
        if read_source(data) == self._node:
            self.air_ms += 1 + len(data) // 125


@attack(
    check(
        "the air time of an hour",
        GOVERNOR,
        "        if not quotas.take(now_ms, QUOTA_OUT, 1, row) or not quotas.take(\n"
        "            now_ms, QUOTA_AIR_MS, air_ms, row\n"
        "        ):\n",
        "        if False:\n",
    )
)
def test_trust_59_more_than_a_tenth_of_the_air_time() -> None:
    text = "x" * 180

    def shout(agent: object) -> None:
        @agent.every(20)  # type: ignore[attr-defined]
        def say() -> None:
            for _ in range(OUTBOX_FRAMES_MAX):
                agent.publish("t", text)  # type: ignore[attr-defined]

    pair = Pair(shout)
    meter = AirMeter(pair.a.identity.node)
    pair.heard = meter
    pair.run(60_000)  # what it may send at once
    meter.air_ms = 0
    pair.run(60_000)
    assert meter.air_ms > 60_000 // 40
    stopped(meter.air_ms <= 60_000 // 10, f"{meter.air_ms} ms of a minute")


@attack(
    check(
        "an answer that is too late",
        TOKEN,
        "return 0 <= ticks_diff(now_ms, self._now_ms) <= ANSWER_MS_MAX",
        "return 0 <= ticks_diff(now_ms, self._now_ms)",
    ),
    check(
        "an answer of before",
        TOKEN,
        "return 0 <= ticks_diff(now_ms, self._now_ms) <= ANSWER_MS_MAX",
        "return ticks_diff(now_ms, self._now_ms) <= ANSWER_MS_MAX",
    ),
    check("the end of a certificate", CERTIFICATE, "and now_s < self.expires_s", ""),
)
def test_trust_60_clock_that_is_off() -> None:
    """Ticks that wrapped, that went back, that were set; and a date that is believed."""
    for asked_ms in (0, TICKS_PERIOD - 5_000, TICKS_PERIOD // 2):
        for late_ms, is_good in (
            (ANSWER_MS_MAX, True),
            (ANSWER_MS_MAX + 1, False),
            (TICKS_PERIOD // 2 - 1, False),
            (TICKS_PERIOD // 2 + 1, False),
            (TICKS_PERIOD - 1, False),
        ):
            challenge = Challenge(asked_ms, b"mac...", b"nonce...")
            found = challenge.take(ticks_add(asked_ms, late_ms), b"nonce...", b"mac...")
            stopped(found <= is_good, f"an answer after {late_ms} ms")
            assert found == is_good
    held = Certificate(certified(lambda message: bytes(64), b"\x11" * 32))
    assert held.holds(NETWORK, 0, 0) and held.holds(NETWORK, 0, EXPIRES_S - 1)
    for now_s in (EXPIRES_S, 1 << 32, 1 << 62):
        stopped(not held.holds(NETWORK, 0, now_s), "a certificate that has expired")
