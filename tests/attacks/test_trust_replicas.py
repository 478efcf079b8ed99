"""Classes 61 to 64: what boards hand on to each other, made too large, too new, or false.

Revocations, epochs and releases are what is replicated here so far.
"""

from typing import Any

from attacks.air import (
    LIAR,
    NEW,
    Target,
    changed_pieces,
    good_edge,
    kind_of,
    release,
    said,
    session,
)
from attacks.attack import attack, check, stopped
from attacks.places import GATHERING, GROUP, OFFERING, REVOCATION

from cma_toolkit.firmware.kernel.release import talk
from kernel.codec.cbor import encode
from kernel.secure.certificate import PROTECTED, to_be_signed
from kernel.secure.group import EPOCH_MAX
from kernel.secure.revocation import MARK_BYTES, NUMBER_MAX, REVOKED_MAX, Revocations
from support.protected import ALL, cluster, secret
from support.secure_parties import NETWORK, Fleet, MemoryTable
from support.updating import EDGE_NODE

FLEET = Fleet()
HUGE = (NUMBER_MAX + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
ROOM = 2_000
WANTS_MAX = 24  # of one release, in all sessions


def statement(number: int, count: int = 0, sign: object = None) -> bytes:
    """Return a list of revocations with so many entries."""
    marks = b"".join(at.to_bytes(MARK_BYTES, "big") for at in range(count))
    payload = encode([NETWORK, number, 0, marks], ROOM)
    signed: bytes = (sign or FLEET.sign)(to_be_signed(payload))  # type: ignore[operator]
    return encode([PROTECTED, {}, payload, signed], ROOM)


def machine() -> Revocations:
    """Return a board that knows of no revocation yet."""
    return Revocations(MemoryTable(), FLEET.port, FLEET.authority, NETWORK)


@attack(
    check(
        "how many are revoked",
        REVOCATION,
        "len(marks) <= REVOKED_MAX",
        "True",
        (REVOCATION, "if len(data) <= STATEMENT_BYTES_MAX else ()", ""),
    ),
    check("bounds of numbers", REVOCATION, "not 0 <= items[at] <= bounds[at]", "False"),
)
def test_trust_61_bombs_of_names_tombstones_and_counts() -> None:
    """Signed, too: whoever signs by mistake must not fill the flash of all boards."""
    board = machine()
    assert board.on_statement(statement(1, REVOKED_MAX))
    for count in (REVOKED_MAX + 1, 100):
        stopped(not board.on_statement(statement(2, count)), f"{count} tombstones")
    for number in HUGE:
        stopped(not board.on_statement(statement(number)), f"the count {number}")
    assert board.on_statement(statement(2))


@attack(
    check(
        "the signature",
        REVOCATION,
        "if not self._crypto.verify(self.authority, to_be_signed(message[2]), message[3]):",
        "if False:",
    ),
    check(
        "the last epoch",
        GROUP,
        "if not self.epoch < epoch <= EPOCH_MAX or",
        "if not self.epoch < epoch or",
    ),
)
def test_trust_62_number_that_no_later_one_can_follow() -> None:
    board = machine()
    stopped(
        not board.on_statement(statement(NUMBER_MAX, 0, lambda message: bytes(64))),
        "a number of nobody, and no revocation counts any more",
    )
    assert board.on_statement(statement(7, 1))
    [member, other] = cluster(1, 2)
    for epoch in (EPOCH_MAX + 1, 1 << 31, 1 << 63):
        stopped(not member.protection.install_group(epoch, secret(9)), f"epoch {epoch}")
    assert other.opened(member.sealed(ALL, b"still here")) == b"still here"
    assert member.protection.install_group(EPOCH_MAX, secret(10))


@attack(
    check(
        "giving up what leads nowhere",
        OFFERING,
        "        self._useless = self._useless[1 - USELESS_MAX :] + [fields[DIGEST]]",
        "        return",
    )
)
def test_trust_63_digest_that_lies() -> None:
    """An offer names a manifest that nobody has: it costs some questions, and then no more."""
    board, wants = Target(), [0]
    tag = release(NEW, 2).class_tag
    forged = [(1 << 30) - 1, 9, b"nothing.", tag, 1, [], []]

    def forge(source: int, _target: int, data: bytes) -> list[bytes]:
        if kind_of(data) == talk.KIND_WANT and source == board.node and not board.has():
            wants[0] += 1
        is_offer = source == EDGE_NODE and kind_of(data) == talk.KIND_OFFER
        return [said(talk.KIND_OFFER, forged), data] if is_offer else [data]

    session(board, good_edge(), meddle=forge)
    stopped(board.has(), "what is there never comes")
    stopped(wants[0] <= WANTS_MAX, f"{wants[0]} questions")


@attack(
    check(
        "listening no more to who sends what is wrong",
        GATHERING,
        "if self._strikes.count(sources[0]) >= STRIKES_MAX and sources[0] not in self.blamed:",
        "if False:",
    )
)
def test_trust_64_digests_that_never_add_up() -> None:
    """Every piece of an index is false: after some rounds nothing is taken of that source."""
    board, pieces = Target(), [0]

    def spoil(fields: list[Any]) -> list[Any]:
        if fields[2] != talk.PART_INDEX:
            return fields
        pieces[0] += 1
        data = fields[-1]
        return [*fields[:-1], data[:-1] + bytes([data[-1] ^ 1])]

    session(board, good_edge(node=LIAR), meddle=changed_pieces(spoil, LIAR))
    assert not board.has() and pieces[0] > 1
    stopped(pieces[0] <= WANTS_MAX, f"{pieces[0]} pieces")
    session(board, good_edge())
    stopped(board.has(), "the good one never comes")
