"""Attacks on frames that others fell to: each succeeds against a build without the defence.

Naive is our code with one thing taken out, or what the router does where it only saves work.
"""

from pytest import MonkeyPatch, raises

from kernel.codec.frame import KIND_MESSAGE, KIND_REQUEST
from kernel.limits import HEADER_BYTES, STALE_FRAMES_MAX
from kernel.mesh.windows import Windows
from kernel.secure import sealed, session, sessions
from kernel.secure.nonces import BLOCK, Nonces
from kernel.secure.port import TAG_BYTES
from kernel.secure.rows import PINNED, Rows
from kernel.secure.session import (
    PROVES_MEMBER,
    PROVES_SENDER,
    REFUSED_FORGED,
    REFUSED_FORM,
    REFUSED_NO_KEY,
    REFUSED_REPLAY,
)
from kernel.secure.sessions import SESSIONS_MAX
from support.protected import ALL, Member, cluster, pair, secret


def flipped(frame: bytes, at: int, bits: int = 1) -> bytes:
    """Return a frame with some bits of one byte changed."""
    changed = bytearray(frame)
    changed[at] ^= bits
    return bytes(changed)


def test_what_drops_duplicates_is_no_protection_from_replay() -> None:
    """Meshtastic #4030: after a while, what was recorded is taken again."""
    one, other = pair()
    recorded = [one.sealed(other.node) for _ in range(40)]
    windows, numbers = Windows(1), [frame[12] << 8 | frame[13] for frame in recorded]
    assert all([windows.accept(0, number, False) for number in numbers])
    taken = [windows.accept(0, number, False) for number in numbers[:STALE_FRAMES_MAX]]
    assert taken[-1], "the router takes a sender that goes back for one that restarted"
    assert all([other.opened(frame) == b"\x01" for frame in recorded])
    assert {other.opened(frame) for frame in recorded} == {REFUSED_REPLAY}


def test_a_stream_without_a_code_is_turned_into_any_text(monkeypatch: MonkeyPatch) -> None:
    """Meshtastic #4030: who knows the plaintext writes another one."""
    one, other = pair()
    frame = one.sealed(other.node, b"close valve 7")
    forged = flipped(frame, HEADER_BYTES + 12, ord("7") ^ ord("9"))
    assert other.opened(forged) == REFUSED_FORGED

    keys = other.protection.sessions.opening(other.protection.sessions.find(one.node), 0)
    assert keys

    class NaiveAead:
        def open(self, nonce: bytes, aad: bytes, buffer: bytearray, start: int, end: int) -> int:
            stream = bytearray(end - start)
            keys.aead.seal(nonce, aad, stream, 0, end - start - TAG_BYTES)
            for at in range(start, end - TAG_BYTES):
                buffer[at] ^= stream[at - start]
            return end - TAG_BYTES

    monkeypatch.setattr(other.protection.sessions, "opening", lambda row, bits: Naive)

    class Naive:
        aead = NaiveAead()
        iv = keys.iv

    assert other.opened(forged) == b"close valve 9"


def test_a_header_that_nobody_authenticates_is_changed(monkeypatch: MonkeyPatch) -> None:
    """A message is made a request, on its way."""
    one, other = pair()
    changed = flipped(one.sealed(other.node), 1, KIND_MESSAGE ^ KIND_REQUEST)
    assert other.opened(changed) == REFUSED_FORGED
    monkeypatch.setattr(session, "write_aad", lambda aad, frame: None)
    one, other = pair()
    changed = flipped(one.sealed(other.node), 1, KIND_MESSAGE ^ KIND_REQUEST)
    assert other.opened(changed) == b"\x01"


def test_a_counter_that_the_power_resets_gives_two_messages_away() -> None:
    """LoRaWAN with ABP: the same counter twice, so the same stream twice."""

    class NaiveNonces(Nonces):
        def _raise(self, lane: int) -> bool:
            self.ceilings[lane] += BLOCK
            return True

    def both(is_naive: bool) -> list[bytes]:
        [member] = cluster(1)
        sent = []
        for text in (b"the code is 1234", b"all is well here"):
            if is_naive:
                group = member.protection.group
                member.protection.nonces = group._nonces = NaiveNonces(member.table)
                member.protection.nonces.know()
            sent.append(member.sealed(ALL, text)[HEADER_BYTES : HEADER_BYTES + 16])
            member.start()
        stream = [one ^ other for one, other in zip(sent[0], b"the code is 1234", strict=True)]
        return [bytes(one ^ other for one, other in zip(sent[1], stream, strict=True))]

    assert both(is_naive=True) == [b"all is well here"]
    assert both(is_naive=False) != [b"all is well here"]


def test_an_empty_key_takes_the_place_of_a_good_one(monkeypatch: MonkeyPatch) -> None:
    """Meshtastic, pull request 6372: then everybody has it."""
    one, other = pair()
    with raises(ValueError):
        other.protection.install(one.node, bytes(16))
    assert other.opened(one.sealed(other.node)) == b"\x01"
    monkeypatch.setattr(sessions, "is_weak", lambda secret: False)
    attacker = Member(one.node)
    for member, peer in ((other, one.node), (attacker, other.node)):
        member.protection.install(peer, bytes(16))
    assert other.opened(attacker.sealed(other.node, b"mine now")) == b"mine now"


def test_a_flood_of_peers_drives_out_the_one_that_matters(monkeypatch: MonkeyPatch) -> None:
    """Meshtastic #4541: the table is flooded, and its owner's friends are gone."""

    def flooded() -> bool:
        one, other = pair()
        other.protection.install(one.node, secret(1), is_pinned=True)
        for peer in range(100, 100 + 3 * SESSIONS_MAX):
            other.protection.install(peer, secret(peer))
        return other.opened(one.sealed(other.node)) == REFUSED_NO_KEY

    assert not flooded()

    def naive_take(rows: Rows, node: int) -> int:
        for at in range(0, len(rows.cells), rows._size):
            rows.cells[at] &= ~PINNED & 0xFF
        return take(rows, node)

    take = Rows.take
    monkeypatch.setattr(Rows, "take", naive_take)
    assert flooded()


def test_a_frame_is_thrown_back_at_its_sender(monkeypatch: MonkeyPatch) -> None:
    """Reflection: both ends of a session have one key."""
    one, other = pair()
    frame = one.sealed(other.node, b"open")
    turned = frame[:4] + frame[8:12] + frame[4:8] + frame[12:]
    assert one.opened(frame) == REFUSED_FORM
    assert one.opened(turned) == REFUSED_FORGED

    def naive_nonce(nonce: bytearray, iv: bytes, frame: bytes, high: int) -> None:
        sealed.write_nonce(nonce, iv, bytes(12) + frame[12:14], high)

    monkeypatch.setattr(session, "write_nonce", naive_nonce)
    monkeypatch.setattr(session, "write_aad", lambda aad, frame: None)
    one, other = pair()
    frame = one.sealed(other.node, b"open")
    assert one.opened(frame[:4] + frame[8:12] + frame[4:8] + frame[12:]) == b"open"


def test_a_member_votes_for_others() -> None:
    """A key that all share is taken for a signature; so is an acknowledgement that is forged."""
    voter, member, counter = cluster(1, 2, 3)
    vote = b"vote: yes"
    member.protection._node = member.node = voter.node
    forged = member.sealed(ALL, vote)
    assert counter.opened(forged) == vote, "who asks no more than that believes it"
    assert counter.protection.proves == PROVES_MEMBER < PROVES_SENDER
    assert member.sealed(counter.node, vote) == REFUSED_NO_KEY


def test_a_number_far_ahead_shuts_out_its_owner(monkeypatch: MonkeyPatch) -> None:
    """A window that moves before the tag is right is moved by anybody."""

    def is_shut_out() -> bool:
        one, other = pair()
        frame = one.sealed(other.node)
        other.opened(flipped(frame, len(frame) - 1, 0x40))  # a number 4 million ahead
        return other.opened(frame) != b"\x01"

    assert not is_shut_out()
    is_new = sessions.Sessions.is_new

    def naive_is_new(rows: sessions.Sessions, row: int, number: int) -> bool:
        found = is_new(rows, row, number)
        rows.accept(row, number)
        return found

    monkeypatch.setattr(sessions.Sessions, "is_new", naive_is_new)
    assert is_shut_out()


def test_who_was_excluded_goes_on() -> None:
    """A cluster that never changes its key keeps every member it ever had."""
    one, left = cluster(1, 2)
    assert left.opened(one.sealed(ALL, b"secret plan")) == b"secret plan"
    one.protection.install_group(2, secret(2))
    assert left.opened(one.sealed(ALL, b"secret plan")) == REFUSED_NO_KEY
    assert one.opened(left.sealed(ALL, b"still here")) == b"still here", "until it is retired"
    one.protection.group.retire()
    assert one.opened(left.sealed(ALL, b"still here")) == REFUSED_NO_KEY


def test_one_secret_under_two_names_makes_one_of_two_peers(monkeypatch: MonkeyPatch) -> None:
    """Cloned images share keys (CVE-2025-52464): one peer speaks as another."""
    node, peer = Member(1), Member(2)
    node.protection.install(2, secret(2))
    peer.protection.install(1, secret(2))
    with raises(ValueError):
        node.protection.install(3, secret(2))
    peer.protection._node = peer.node = 3
    assert node.opened(peer.sealed(1)) == REFUSED_NO_KEY
    monkeypatch.setattr(sessions.Sessions, "peers", lambda rows: [])
    node.protection.install(3, secret(2))
    assert node.opened(peer.sealed(1, b"I am 3")) == b"I am 3"
