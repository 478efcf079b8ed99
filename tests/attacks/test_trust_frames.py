"""Classes 37 to 46, 49 and 53: frames that are forged, changed, sent again, or counted wrong."""

from attacks.attack import attack, check, stopped, survived
from attacks.places import CCM, NONCES, ROWS, SEALED, SESSION, SESSIONS

from kernel.codec.frame import BROADCAST, KIND_MESSAGE, write_header
from kernel.limits import HEADER_BYTES
from kernel.secure.nonces import BLOCK
from kernel.secure.sealed import NUMBER_BITS, make_aad, write_aad, write_nonce
from kernel.secure.session import PROVES_MEMBER, PROVES_SENDER, Protection
from support.protected import ALL, NETWORK, Member, cluster, pair, secret

ORDER = b"open 7"
TAG = check("comparing the code", CCM, "differs = found", "differs = 0")


def taken(member: Member, frame: bytes) -> bool:
    """Tell whether a node believes a frame; one that crashes has lost."""
    return isinstance(survived(lambda: member.opened(frame)), bytes)


def flips(frame: bytes, first: int, end: int) -> list[bytes]:
    """Return a frame with each single bit of some bytes turned."""
    made = []
    for bit in range(8 * first, 8 * end):
        changed = bytearray(frame)
        changed[bit >> 3] ^= 1 << (bit & 7)
        made.append(bytes(changed))
    return made


def skip_to(member: Member, number: int) -> None:
    """Have a node count on from a number."""
    snapshot = bytearray(Protection.SNAPSHOT_BYTES)
    member.protection.save_into(snapshot, 0)
    for at in (0, 4):
        snapshot[at : at + 4] = number.to_bytes(4, "big")
    member.start(snapshot)


@attack(
    check(
        "taking sealed frames only",
        SESSION,
        "        if not is_sealed(frame, length):\n            return REFUSED_FORM\n",
        "        if not is_sealed(frame, length):\n            return length\n",
    ),
    TAG,
)
def test_trust_37_no_code() -> None:
    one, other = pair()
    assert taken(other, one.sealed(other.node, ORDER))
    plain = bytearray(HEADER_BYTES) + ORDER
    write_header(plain, KIND_MESSAGE, NETWORK, one.node, other.node, 1)
    stopped(not taken(other, plain), "a frame without any protection")
    good = one.sealed(other.node, ORDER)
    for code in (bytes(8), b"\xff" * 8):
        stopped(not taken(other, good[:-10] + code + good[-2:]), "a made-up code")
    stopped(not taken(other, good[:-10] + good[-2:]), "a code cut off")


@attack(TAG)
def test_trust_38_wrong_key() -> None:
    one, other = pair()
    liar = Member(one.node)
    liar.protection.install(other.node, secret(77))
    assert taken(other, one.sealed(other.node, ORDER))
    for frame in (liar.sealed(other.node, ORDER) for _ in range(3)):
        stopped(not taken(other, frame), "a frame under another key")
    member, listener = cluster(1, 2)
    stranger = Member(1)
    stranger.protection.install_group(1, secret(78), is_fresh=True)
    assert taken(listener, member.sealed(ALL, ORDER))
    stopped(not taken(listener, stranger.sealed(ALL, ORDER)), "a frame under another group's key")


@attack(
    check(
        "the last byte of the code",
        CCM,
        "for i in range(at, end):",
        "for i in range(at, end - 1):",
    ),
    check(
        "the first byte of the code",
        CCM,
        "for i in range(at, end):",
        "for i in range(at + 1, end):",
    ),
)
def test_trust_39_every_bit_of_the_code() -> None:
    one, other = pair()
    frame = one.sealed(other.node, ORDER)
    for changed in flips(frame, len(frame) - 10, len(frame) - 2):
        stopped(not taken(other, changed))
    assert taken(other, frame)


@attack(
    check(
        "the code over the whole payload",
        CCM,
        "mix(scratch, at, buffer, start, size)",
        "mix(scratch, at, buffer, start, max(0, size - 1))",
    )
)
def test_trust_40_every_bit_of_the_ciphertext() -> None:
    for payload in (b"\x01", ORDER, bytes(range(33))):
        one, other = pair()
        frame = one.sealed(other.node, payload)
        for changed in flips(frame, HEADER_BYTES, HEADER_BYTES + len(payload)):
            stopped(not taken(other, changed))
        assert taken(other, frame)


@attack(
    check(
        "the code over the kind",
        SEALED,
        "for index in range(1, HEADER_BYTES):",
        "for index in range(2, HEADER_BYTES):",
    ),
    check(
        "the code over the network",
        SEALED,
        "for index in range(1, HEADER_BYTES):",
        "for index in (1, *range(4, HEADER_BYTES)):",
    ),
    check("the code over the version", SEALED, "frame[0] & 0xF0", "0"),
)
def test_trust_41_every_bit_of_the_header() -> None:
    """What a hop may change is the limit of hops, no more; a version is no other one's frame."""
    one, other = pair()
    frame = one.sealed(other.node, ORDER)
    for changed in flips(frame, 0, HEADER_BYTES) + flips(frame, len(frame) - 2, len(frame)):
        if changed[0] & 0xF0 == frame[0] & 0xF0 and changed[1:] == frame[1:]:
            continue
        stopped(not taken(other, changed))
    stopped(frame[0] & 0xF0 == other_version_refused(one, other), "a version that is not in it")
    assert taken(other, frame)


def other_version_refused(one: Member, other: Member) -> int:
    """Return the version of a frame whose code says so."""
    aad = one.protection._aad
    one.sealed(other.node, ORDER)
    return aad[-HEADER_BYTES] & 0xF0


@attack(
    check(
        "numbers of a session that came",
        SESSION,
        "if not self.sessions.is_new(row, number):",
        "if False:",
    ),
    check(
        "numbers of a sender to all that came",
        SESSION,
        "if row != NOBODY and not self.senders.is_new(row, number):",
        "if False:",
    ),
)
def test_trust_42_replay_at_once() -> None:
    one, other = pair()
    member, listener = cluster(1, 2)
    for receiver, frames in (
        (other, [one.sealed(other.node, ORDER) for _ in range(40)]),
        (listener, [member.sealed(ALL, ORDER) for _ in range(40)]),
    ):
        assert all([taken(receiver, frame) for frame in frames])
        for frame in frames:
            stopped(not taken(receiver, frame), "the same once more")


@attack(
    check(
        "windows through a deep sleep",
        ROWS,
        "        copy(buffer, offset, self.cells, 0, size)\n",
        "        copy(buffer, offset, self.cells, 0, size); self.cells[_SEEN_AT + 1] = 0\n",
    ),
    check(
        "what a frame proves after a loss of power",
        SESSION,
        "PROVES_MEMBER if is_fresh and is_present else PROVES_MEMBER_ONCE",
        "PROVES_MEMBER",
    ),
)
def test_trust_43_replay_after_a_reboot() -> None:
    one, other = pair()
    frame = one.sealed(other.node, ORDER)
    assert taken(other, frame)
    other.sleep()
    stopped(not taken(other, frame), "after a deep sleep")
    other.start()
    stopped(not taken(other, frame), "after a loss of power")
    member, listener = cluster(1, 2)
    frame = member.sealed(ALL, ORDER)
    assert taken(listener, frame) and listener.protection.proves == PROVES_MEMBER
    listener.start()
    is_fresh = taken(listener, frame) and listener.protection.proves >= PROVES_MEMBER
    stopped(not is_fresh, "to all, after a loss of power: as if it were said now")


@attack(
    check(
        "the end of all numbers",
        NONCES,
        "        if ceilings[lane] > _END:\n            return False\n",
        "        ceilings[lane] %= _END\n\n",
        (
            NONCES,
            "        number = self._next[lane]\n",
            "        number = self._next[lane] % _END\n",
        ),
    ),
    check(
        "going on to the next secret",
        SESSIONS,
        "if self.cells[at + _ERA_AT] != number >> ERA_BITS:",
        "if False:",
    ),
)
def test_trust_44_counter_that_wraps() -> None:
    [member] = cluster(1)
    begun = member.sealed(ALL, ORDER)
    skip_to(member, (1 << NUMBER_BITS) - 2)
    ended = [survived(lambda: member.sealed(ALL, ORDER)) for _ in range(BLOCK)]
    stopped(begun not in ended, "a nonce for the second time, under one key")
    one, other = pair()
    skip_to(one, (1 << 20) - 1)
    before, after = one.sealed(other.node), one.sealed(other.node)
    stopped(before[-2] >> 4 != after[-2] >> 4, "more than 2**20 frames under one secret")
    assert taken(other, before) and taken(other, after)


@attack(
    check(
        "moving a window for what is genuine only",
        SESSION,
        "if not self.sessions.is_new(row, number):",
        "if not self.sessions.is_new(row, number) or self.sessions.accept(row, number):",
    )
)
def test_trust_45_counter_that_jumps() -> None:
    one, other = pair()
    frames = [one.sealed(other.node, ORDER) for _ in range(8)]
    ahead = bytearray(frames[0])
    ahead[-1] ^= 0x40  # a number four million ahead
    assert taken(other, frames[0])
    stopped(not taken(other, ahead))
    for frame in frames[1:]:
        stopped(taken(other, frame), "its owner is shut out")


@attack(
    check(
        "source and target in code and nonce",
        SEALED,
        "for index in range(1, HEADER_BYTES):",
        "for index in (1, 2, 3, 12, 13):",
        (SEALED, "        nonce[4 + index] ^= frame[4 + index]\n", "        pass\n"),
    ),
    check(
        "not taking our own frames",
        SESSION,
        "number < self.nonces.next_of(LANE_ALL)",
        "False",
        (SESSION, "return REFUSED_CLONE if end > 0 else end", "return end"),
    ),
)
def test_trust_46_reflection() -> None:
    one, other = pair()
    frame = one.sealed(other.node, ORDER)
    turned = frame[:4] + frame[8:12] + frame[4:8] + frame[12:]
    stopped(not taken(one, frame) and not taken(one, turned), "its own words")
    assert taken(other, frame)
    [member] = cluster(1)
    stopped(not taken(member, member.sealed(ALL, ORDER)), "its own words to all")


@attack(
    check(
        "going on behind what was reserved",
        NONCES,
        "self._next[lane] = ceilings[lane]",
        "pass",
    ),
    check(
        "reserving before use",
        NONCES,
        "if number >= self.ceilings[lane] and not self._raise(lane):",
        "if False:",
    ),
)
def test_trust_49_nonce_again_after_a_loss_of_power() -> None:
    [member] = cluster(1)
    sealed = set[bytes]()
    for number in range(5):
        frames = {member.sealed(ALL, ORDER) for _ in range(number * 100 + 1)}
        stopped(not sealed & frames, "one nonce, twice under one key")
        sealed |= frames
        member.start()


@attack(
    check(
        "what proves a sender",
        SESSION,
        "self.proves = PROVES_MEMBER if",
        "self.proves = PROVES_SENDER if",
    ),
    check(
        "no key of the group for frames to one node",
        SESSION,
        "        keys = None if row == NOBODY else self.sessions.opening(row, high >> 12)\n",
        "        keys = self.group.opening(high >> 12)\n",
        (
            SESSION,
            "            self.sessions.accept(row, number)\n"
            "            self.sessions.follow(row, high >> 12, self.nonces.next_of(LANE_ONE))\n",
            "",
        ),
    ),
)
def test_trust_53_forged_acknowledgement() -> None:
    """A member says, in the name of another, that it has what it was sent."""
    keeper, forger, waiting = cluster(1, 2, 3)
    forger.protection._node = forger.node = keeper.node
    forged = forger.sealed(ALL, b"I have 7")
    believed = taken(waiting, forged) and waiting.protection.proves == PROVES_SENDER
    stopped(not believed, "to all, under another's name")
    # The group's key, on a frame to one node.
    number = forger.protection.nonces.take(1)
    frame = bytearray(60)
    write_header(frame, KIND_MESSAGE, NETWORK, keeper.node, BROADCAST, 0)
    frame[HEADER_BYTES : HEADER_BYTES + 8] = b"I have 7"
    made = direct(forger, frame, waiting.node, number)
    stopped(not taken(waiting, made), "to one node, under the key of all")


def direct(member: Member, frame: bytearray, target: int, number: int) -> bytes:
    """Return a frame to one node that a member seals with what the group shares."""
    keys = member.protection.group.sealing()
    assert keys
    frame[8:12] = target.to_bytes(4, "big")
    frame[1] |= 0x80
    high = member.protection.group.epoch << 12 | number >> 16
    frame[12:14] = (number & 0xFFFF).to_bytes(2, "big")
    aad, nonce = make_aad(), bytearray(13)
    write_aad(aad, frame)
    write_nonce(nonce, keys.iv, frame, high)
    end = keys.aead.seal(nonce, aad, frame, HEADER_BYTES, HEADER_BYTES + 8)
    return bytes(frame[:end]) + high.to_bytes(2, "big")
