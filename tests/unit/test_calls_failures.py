"""Two nodes that call each other while the flash of one fails."""

from kernel.secure.answering import PROOF, RESUMPTION
from kernel.secure.calls import REST_MS
from support.calling import Medium, joined, stations


def test_flash_that_fails_costs_a_handshake_and_no_session():
    one, other = stations(2)
    medium = Medium([one, other])
    one.protection.nonces.know()
    other.protection.nonces.know()
    one.table.is_broken = True
    one.call(12)
    medium.run(120_000)
    assert one.secret_for(12) is None and one.fails, "whose certificate is right cannot be known"
    one.table.is_broken = False
    medium.run(REST_MS)
    commit, one.table.commit = one.table.commit, _fail
    one.call(12)
    medium.run(60_000)
    one.table.commit = commit
    assert one.secret_for(12) == other.secret_for(11) and one.calls.holdings.unkept == 1


def test_flash_that_fails_at_the_end_of_a_resumption_lets_nobody_in():
    medium, one, other = joined()
    other.boot()
    one.boot()
    one.call(12)
    medium.run(60_000, lambda: PROOF + RESUMPTION in [said[2][0] for said in medium.sent])
    other.table.is_broken = True  # nobody knows any more whether one's certificate holds
    medium.run(100)
    assert other.secret_for(11) is None and other.calls.refused


def _fail():
    raise OSError(28)
