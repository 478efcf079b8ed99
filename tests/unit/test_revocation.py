"""What an authority says of certificates: newer in place of older, signed, bounded, one form."""

from kernel.codec.cbor import encode
from kernel.secure import revocation
from kernel.secure.certificate import PROTECTED, Certificate, thumbprint_of, to_be_signed
from kernel.secure.revocation import MARK_BYTES, REVOKED_MAX, STATEMENT_BYTES_MAX, Revocations
from support.script import raises
from support.secure_parties import NETWORK, Fleet, MemoryTable, certified

FLEET, OTHERS = Fleet(1), Fleet(2)


def _statement(*items, sign=FLEET.sign):
    payload = encode(list(items))
    return encode([PROTECTED, {}, payload, sign(to_be_signed(payload))])


def _list(number, epoch=0, keys=(), network=NETWORK, sign=FLEET.sign):
    marks = sorted([thumbprint_of(key)[:MARK_BYTES] for key in keys])
    return _statement(network, number, epoch, b"".join(marks), sign=sign)


def _held(key=b"\x77" * 32, epoch=0):
    data = certified(FLEET.sign, b"\x11" * 32, thumbprint=thumbprint_of(key), epoch=epoch)
    return Certificate(data)


def _machine(table=None):
    return Revocations(table or MemoryTable(), FLEET.port, FLEET.authority, NETWORK)


GOOD, LOST = b"\x01" * 32, b"\x02" * 32


def test_a_key_on_the_list_is_void_and_no_other():
    machine = _machine()
    assert not machine.is_void(_held(LOST))
    assert machine.on_statement(_list(1, keys=(LOST,)))
    assert machine.is_void(_held(LOST)) and not machine.is_void(_held(GOOD))


def test_older_and_equal_lists_change_nothing():
    machine = _machine()
    second = _list(2, keys=(LOST,))
    assert machine.on_statement(second)
    for number in (0, 1, 2):
        assert not machine.on_statement(_list(number))
    assert machine.is_void(_held(LOST)) and machine.document == second
    assert machine.on_statement(_list(3)) and not machine.is_void(_held(LOST))


def test_an_epoch_makes_all_before_void_and_never_goes_back():
    machine = _machine()
    assert machine.on_statement(_list(1, epoch=2))
    assert machine.is_void(_held(GOOD, epoch=1)) and not machine.is_void(_held(GOOD, epoch=2))
    assert not machine.on_statement(_list(2, epoch=1))
    assert machine.epoch == 2


def test_nobody_but_the_authority_of_this_network_is_believed():
    machine = _machine()
    assert not machine.on_statement(_list(1, sign=OTHERS.sign))
    assert not machine.on_statement(_list(1, network=NETWORK + 1))
    good = _list(1, keys=(LOST,))
    for at in range(len(good)):
        for bit in (1, 128):
            changed = bytearray(good)
            changed[at] ^= bit
            assert not machine.on_statement(bytes(changed)), at
        assert not machine.on_statement(good[:at])
    assert not machine.on_statement(good + b"\x00")
    assert machine.number == 0 and machine.document == b"" and machine.on_statement(good)


def test_what_is_staged_is_there_after_a_power_cut():
    table = MemoryTable()
    assert _machine(table).on_statement(_list(7, epoch=1, keys=(LOST,)))
    again = _machine(table)
    assert again.is_void(_held(LOST, epoch=1)) and (again.number, again.epoch) == (7, 1)
    assert not again.on_statement(_list(7)) and again.on_statement(_list(8, epoch=1))


def test_the_longest_list_fits_a_frame_and_a_longer_one_is_none():
    keys = [bytes((i,)) * 32 for i in range(REVOKED_MAX)]
    longest = _list(revocation.NUMBER_MAX, 255, keys, network=NETWORK)
    assert len(longest) <= STATEMENT_BYTES_MAX
    machine = _machine()
    assert machine.on_statement(longest)
    assert all([machine.is_void(_held(key, epoch=255)) for key in keys])
    keys.append(LOST)
    raises(ValueError, revocation.read, _list(1, keys=keys))


def test_one_meaning_has_one_form():
    one, other = b"\x01" * MARK_BYTES, b"\x02" * MARK_BYTES
    revocation.read(_statement(NETWORK, 1, 0, one + other))
    for items in (
        (NETWORK, 1, 0, other + one),
        (NETWORK, 1, 0, one + one),
        (NETWORK, 1, 0, one[1:]),
        (NETWORK, 1, 0, 0),
        (NETWORK, 1, 0, "text"),
        (NETWORK, True, 0, one),
        (NETWORK, -1, 0, one),
        (NETWORK, revocation.NUMBER_MAX + 1, 0, one),
        (NETWORK, 1, 256, one),
        (0x10000, 1, 0, one),
        (NETWORK, 1, one),
        (NETWORK, 1),
        (NETWORK, 1, 0, one, 0),
        (),
    ):
        raises(ValueError, revocation.read, _statement(*items))
    for data in (b"", b"\x80", b"\xa0", encode([PROTECTED, {}, 5, b""]), encode([1, 2, 3])):
        raises(ValueError, revocation.read, data)


def test_the_authority_names_its_successor_and_is_believed_no_more():
    table = MemoryTable()
    machine = _machine(table)
    assert machine.on_statement(_list(1, keys=(LOST,)))
    assert not machine.on_statement(_statement(NETWORK, 2, OTHERS.authority, sign=OTHERS.sign))
    succession = _statement(NETWORK, 2, OTHERS.authority)
    assert machine.on_statement(succession)
    for held in (machine, _machine(table)):
        assert held.authority == OTHERS.authority and held.is_void(_held(LOST))
        assert not held.on_statement(_list(3)) and not held.on_statement(succession)
        assert held.on_statement(_list(3, sign=OTHERS.sign))
        table.delete(b"revoked")


def test_no_earlier_word_brings_an_earlier_authority_back():
    table = MemoryTable()
    machine = _machine(table)
    first = _statement(NETWORK, 1, OTHERS.authority)
    assert machine.on_statement(first)
    assert machine.on_statement(_statement(NETWORK, 2, FLEET.authority, sign=OTHERS.sign))
    for held in (machine, _machine(table)):
        assert (held.authority, held.number) == (FLEET.authority, 2)
        assert not held.on_statement(first) and held.authority == FLEET.authority
        assert not held.on_statement(_list(2))
    assert machine.on_statement(_list(3))
