"""A PeerId is what libp2p makes of a key."""

from binascii import unhexlify

from cma_toolkit.host_tools.secure.peer_id import peer_id
from cma_toolkit.host_tools.secure.pyca import PycaCrypto

# libp2p specs, "Peer IDs and Keys", test vectors: a seed, and the key that it leads to.
SEED = unhexlify(b"7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d")
PUBLIC = unhexlify(b"1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")


def test_a_key_of_the_standard_has_the_name_that_others_give_it() -> None:
    assert PycaCrypto().signer_of(SEED) == PUBLIC
    assert peer_id(PUBLIC) == "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"


def test_the_example_of_the_standard() -> None:
    # base64url L_o1qZ06PPuxe7fB3FVhsYqNzKTfONxhPqhZw36xM2s
    public = unhexlify(b"2ffa35a99d3a3cfbb17bb7c1dc5561b18a8dcca4df38dc613ea859c37eb1336b")
    assert peer_id(public) == "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"


def test_names_are_of_one_length_and_differ() -> None:
    names = [peer_id(bytes((number,)) * 32) for number in (0, 1, 254, 255)]
    assert [len(name) for name in names] == [52] * 4
    assert len({name: 0 for name in names}) == 4
