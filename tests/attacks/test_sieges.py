"""Floods of calls and of names: what they cost, and whom they keep out."""

from attacks.attack import attack, check, stopped
from attacks.places import ANSWERING, KEEPER, TRAFFIC

from kernel.codec.cbor import encode
from kernel.secure.answering import (
    CALL,
    CALLS_MAX,
    COOKIE,
    COOKIE_BYTES,
    HEAD_BYTES,
    PAID,
)
from kernel.secure.quarantine import (
    AGREEMENT_MS,
    AGREEMENTS,
    AGREEMENTS_MAX,
    PROVOKED_MAX,
    PROVOKED_MS,
)
from kernel.secure.sessions import SESSIONS_MAX
from support.calling import Medium, Station, stations

SIEGE_MS = 60_000
STEP_MS = 100


def first_message(number: int) -> bytes:
    """Return a call that anybody can make, each another."""
    body = encode(3) + encode(0) + encode(bytes([9 + number % 200]) * 32) + b"\x05"
    return bytes((CALL, number >> 8 & 0xFF, number & 0xFF, 0xFF)) + body


ANSWERED_MAX = (AGREEMENTS_MAX + SIEGE_MS // AGREEMENT_MS) // AGREEMENTS + 1


class Siege:
    """A node that is called ten times a second, by whom and with what a test says."""

    def __init__(self, medium: Medium, target: Station) -> None:
        """Count what the target computes for whoever calls."""
        self.medium, self.target = medium, target
        self.computed = self.number = 0

    def step(self, source: int, *, pays: bool) -> None:
        """Call once, and a tenth of a second goes by."""
        self.number += 1
        message = first_message(self.number)
        target = self.target
        before, target.said = target.said, []
        target.hear(source, message)
        if pays and target.said and target.said[0][1][0] == COOKIE:
            cookie = target.said.pop()[1][HEAD_BYTES:]
            target.hear(source, paid(message, cookie))
        self.computed += sum(data[0] == CALL + 1 for _, data in target.said)
        target.said = before
        self.medium.run(STEP_MS)


def paid(message: bytes, cookie: bytes) -> bytes:
    """Return a call with a cookie."""
    assert len(cookie) == COOKIE_BYTES
    return bytes((PAID,)) + message[1:HEAD_BYTES] + cookie + message[HEAD_BYTES:]


BUDGET = check(
    "a budget for all who call",
    ANSWERING,
    "if is_refused or not quarantine.spend(now_ms, OF_OTHERS, AGREEMENTS):",
    "if is_refused:",
    (ANSWERING, "quarantine.spent(now_ms, OF_OTHERS) > AGREEMENTS_MAX // 2", "not AGREEMENTS"),
)


@attack(BUDGET)
def test_calls_use_up_a_battery() -> None:
    """Sleep deprivation (Stajano and Anderson, 1999): each call costs who is called a second."""
    [target] = stations(1)
    siege = Siege(Medium([target]), target)
    for number in range(SIEGE_MS // STEP_MS):
        siege.step(1_000 + number, pays=True)
    stopped(siege.computed <= ANSWERED_MAX, siege.computed)
    assert siege.computed >= CALLS_MAX


EACH = check(
    "a budget for each who calls",
    ANSWERING,
    "quarantine.blame(now_ms, peer, CALLED, out)",
    "pass",
)


@attack(EACH)
def test_trust_55_one_peer_at_ten_times_the_rate() -> None:
    """One peer calls as fast as it can, and pays each cookie: others still come through."""
    target, stranger = stations(2)
    medium = Medium([target, stranger])
    siege = Siege(medium, target)
    for _ in range(SIEGE_MS // STEP_MS):
        siege.step(999, pays=True)
    stranger.call(target.node)
    for _ in range(SIEGE_MS // STEP_MS):
        siege.step(999, pays=True)
    stopped(target.secret_for(stranger.node) is not None)


COOKIES = check(
    "asking for a cookie",
    ANSWERING,
    "quarantine.spent(now_ms, OF_OTHERS) > AGREEMENTS_MAX // 2",
    "not AGREEMENTS",
)


@attack(COOKIES)
def test_trust_56_a_thousand_invented_nodes() -> None:
    """SYN flood (1996): calls of nodes that nobody reaches fill what there is for calls."""
    target, stranger = stations(2)
    medium = Medium([target, stranger])
    siege = Siege(medium, target)
    for number in range(500):
        siege.step(1_000 + number, pays=False)
    stranger.call(target.node)
    for number in range(500):
        siege.step(1_500 + number, pays=False)
    stopped(target.secret_for(stranger.node) is not None)
    assert siege.computed <= 2 * ANSWERED_MAX


BOUND = check(
    "binding a cookie to who it was for",
    ANSWERING,
    'hmac(self._secret, pack(">iI", epoch, peer), said)',
    'hmac(self._secret, pack(">iI", epoch, 0), said)',
)


@attack(BOUND)
def test_one_cookie_pays_for_many() -> None:
    """A cookie that was asked for once is brought by nodes that nobody reaches."""
    [target] = stations(1)
    siege = Siege(Medium([target]), target)
    for number in range(40):
        siege.step(1_000 + number, pays=False)
    message = first_message(7)
    target.said = []
    target.hear(999, message)
    cookie = target.said.pop()[1][HEAD_BYTES:]
    for node in range(2_000, 2_010):
        target.hear(node, paid(message, cookie))
    stopped(not [data for _, data in target.said if data[0] == CALL + 1])
    target.hear(999, paid(message, cookie))
    assert target.said[-1][1][0] == CALL + 1, "who asked for it is served"


SELDOM = check(
    "a budget for calls that others bring about",
    TRAFFIC,
    "            and self.quarantine.spend(now_ms, PROVOKED, 1)\n",
    "",
)


@attack(SELDOM)
def test_forged_frames_have_nodes_call_each_other() -> None:
    """LoRaWAN, battery exhaustion: a few bytes from anybody have two nodes talk."""
    one, other = stations(2)
    medium = Medium([one, other])
    one.call(other.node)
    medium.run(5_000)
    one.send(other.node)
    forged = bytearray(one.frames.pop())
    forged[-4] ^= 1
    medium.sent = []
    for _ in range(PROVOKED_MS // STEP_MS):
        other.open(bytes(forged))
        medium.run(STEP_MS)
    calls = sum(data[0] & 3 == CALL for _, _, data in medium.sent)
    stopped(calls <= PROVOKED_MAX + 1, calls)
    assert calls and one.secret_for(other.node) == other.secret_for(one.node)


PINNED = check("places that nobody takes", KEEPER, "peer in self.pinned", "False")


@attack(PINNED)
def test_trust_51_a_flood_of_members_that_evicts_peers() -> None:
    """Eclipse (gossipsub): as many sessions as there is room for, until no other is left."""
    target, friend, *members = stations(SESSIONS_MAX + 3)
    medium = Medium([target, friend, *members])
    target.calls.holdings.pinned = [friend.node]
    friend.call(target.node)
    medium.run(30_000)
    secret = target.secret_for(friend.node)
    assert secret
    for member in members:
        member.call(target.node)
        medium.run(30_000)
    stopped(target.secret_for(friend.node) == secret)
    assert target.secret_for(members[-1].node), "members are served, too"


def test_who_is_known_comes_through_a_flood_of_strangers() -> None:
    """What resumes costs hashes, so no budget of key agreements is in its way."""
    target, friend = stations(2)
    medium = Medium([target, friend])
    friend.call(target.node)
    medium.run(30_000)
    friend.boot()
    siege = Siege(medium, target)
    for number in range(100):
        siege.step(1_000 + number, pays=True)
    friend.call(target.node)
    for number in range(20):
        siege.step(2_000 + number, pays=True)
    assert friend.secret_for(target.node) == target.secret_for(friend.node) is not None
