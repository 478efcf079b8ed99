"""Whom a board knows: by key id what it kept, by value what its fleet's authority signed."""

from kernel.secure import acquaintances
from kernel.secure.acquaintances import Acquaintances, by_name, by_value
from kernel.secure.certificate import thumbprint_of
from kernel.secure.edhoc import Credential, by_key_id
from kernel.secure.revocation import Revocations
from support.secure_parties import EXPIRES_S, NETWORK, Fleet, shake


def test_a_stranger_is_believed_for_the_authoritys_signature_only():
    fleet, foreign = Fleet(1), Fleet(2)
    one = fleet.board(11)
    for board, is_believed in ((fleet.board(22), True), (foreign.board(22), False)):
        one.peers.node = 22
        found = one.peers.find(by_value(board.certificate))
        assert (found is not None) == is_believed
        if is_believed:
            assert found.value == board.certificate
            assert found.public == fleet.port.public_of(board.private)


def test_nobody_speaks_for_another_node():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    one.peers.node = 23
    assert one.peers.find(by_value(other.certificate)) is None
    one.meets(other)
    assert one.peers.find(by_name(other.certificate)) is not None
    one.peers.node = 23
    assert one.peers.find(by_name(other.certificate)) is None


def test_what_is_void_is_not_found_whether_kept_or_new():
    fleet = Fleet()
    one = fleet.board(11)
    other = fleet.board(22, epoch=3)
    foreign = fleet.board(33, network=NETWORK + 1)
    one.meets(other)
    for refer in (by_name, by_value):
        one.peers.node = 22
        for epoch, now_s, is_found in (
            (0, 0, True),
            (3, EXPIRES_S - 1, True),
            (4, 0, False),
            (3, EXPIRES_S, False),
        ):
            one.peers.orders.epoch, one.peers.now_s = epoch, now_s
            assert (one.peers.find(refer(other.certificate)) is not None) == is_found
        one.peers.orders.epoch = one.peers.now_s = 0
        one.meets(foreign)
        assert one.peers.find(refer(foreign.certificate)) is None


def test_whose_key_is_on_the_authoritys_list_is_not_found_whether_kept_or_new():
    fleet = Fleet()
    one = fleet.board(11)
    lost = fleet.board(22, thumbprint=thumbprint_of(b"lost"))
    other = fleet.board(33, thumbprint=thumbprint_of(b"other"))
    for board in (lost, other):
        one.meets(board)
    assert one.peers.orders.on_statement(fleet.revoked(1, [b"lost"]))
    for refer in (by_name, by_value):
        for board in (lost, other):
            one.peers.node = board.node
            assert (one.peers.find(refer(board.certificate)) is None) == (board is lost)


def test_after_a_succession_only_the_next_authority_vouches_for_strangers():
    fleet, successor = Fleet(1), Fleet(2)
    one = fleet.board(11)
    assert one.peers.orders.on_statement(fleet.succeeded_by(1, successor.authority))
    for board, is_believed in ((fleet.board(22), False), (successor.board(22), True)):
        one.peers.node = 22
        assert (one.peers.find(by_value(board.certificate)) is not None) == is_believed


def test_a_signature_is_verified_once_and_after_all_that_costs_less():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    asked = []

    class Counting:
        def verify(self, public, message, signature):
            asked.append(public)
            return fleet.port.verify(public, message, signature)

    orders = Revocations(one.table, Counting(), fleet.authority, NETWORK)
    peers = Acquaintances(one.table, Counting(), orders)
    peers.node = 23
    assert peers.find(by_value(other.certificate)) is None
    peers.node = 22
    orders.epoch = 1
    assert peers.find(by_value(other.certificate)) is None
    assert peers.find(by_value(other.certificate[:-1])) is None
    assert not asked
    orders.epoch = 0
    found = peers.find(by_value(other.certificate))
    assert asked == [fleet.authority]
    peers.remember(found)
    assert peers.find(by_value(other.certificate)) and peers.find(by_name(other.certificate))
    assert len(asked) == 1


def test_other_references_find_nobody():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    one.peers.node = 22
    name = acquaintances.name_of(other.certificate)
    assert one.peers.find(by_key_id(name)) is None  # not met yet
    one.meets(other)
    assert one.peers.find(by_key_id(name)) is not None
    wrong = by_key_id(bytes((name[0] ^ 1,)))
    for reference in (wrong, by_key_id(b""), by_key_id(name + b"\x00"), b"\xa1\x0d\x40", b"\xa0"):
        assert one.peers.find(reference) is None
    assert one.peers.find(b"\xa1\x0e" + other.certificate) is None


def _is_kept(board, node):
    return acquaintances.key_of(node) in board.table.held


def test_who_is_kept_stays_and_a_flood_finds_no_room():
    fleet = Fleet()
    one = fleet.board(11)
    for node in range(100, 100 + acquaintances.ACQUAINTANCES_MAX):
        one.peers.node = node
        one.peers.remember(Credential(b"", b"first", b""))
    one.peers.node = 7
    one.peers.remember(Credential(b"", b"a flood", b""))
    assert not _is_kept(one, 7)
    one.peers.node = 100
    one.peers.remember(Credential(b"", b"renewed", b""))
    assert one.table.held[acquaintances.key_of(100)] == b"renewed"
    assert one.table.held[acquaintances.key_of(101)] == b"first"
    one.table.delete(acquaintances.key_of(100))
    one.peers.node = 7
    one.peers.remember(Credential(b"", b"now there is room", b""))
    assert _is_kept(one, 7)


def test_other_keys_of_the_table_take_no_room():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    for number in range(40):
        one.table.put(b"other/%d" % number, b"")
    one.meets(other)
    assert _is_kept(one, 22)


def test_key_ids_are_one_byte_in_a_message_and_spread():
    seen = set()
    for number in range(300):
        name = acquaintances.name_of(b"%d" % number)
        assert len(name) == 1 and (name[0] < 0x18 or 0x20 <= name[0] < 0x38)
        seen.add(name)
    assert len(seen) == 48


def test_two_who_met_by_certificate_then_speak_by_key_id():
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    first, second = one.side(other, False), other.side(one, False)
    shake(first, second)
    one.peers.remember(first.peer)
    other.peers.remember(second.peer)
    messages = shake(one.side(other), other.side(one))
    assert sum(len(message) for message in messages[:3]) == 101
