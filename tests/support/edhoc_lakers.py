"""Sessions with lakers, an EDHOC in Rust by others: suite 2, method 3, we in either role."""

import cbor2
import lakers

from cma_toolkit.firmware.kernel.secure.edhoc import Credential
from cma_toolkit.host_tools.secure.handshakes import answer, begin, crypto_of, updated

SUITE = 2
IDENTIFIERS = (b"\x05", b"\x06")
_KEY_ID, _BY_VALUE = 4, 14


class Side:
    """A key pair of P-256 and a claims set that holds it, as lakers takes them."""

    def __init__(self, key_id: bytes, is_by_value: bool) -> None:
        """Draw the keys."""
        port = crypto_of(SUITE)
        self.private = port.random(32)
        signer = port.signer_of(self.private)
        x, y = signer[:32], signer[32:]
        key = {1: 2, 2: key_id, -1: 1, -2: x, -3: y}
        claims = {2: f"side {key_id.hex()}", 8: {1: key}}
        self.value = cbor2.dumps(claims)
        self.is_by_value = is_by_value
        held = {_BY_VALUE: claims} if is_by_value else {_KEY_ID: key_id}
        self.credential = Credential(cbor2.dumps(held), self.value, x, self.private)

    def transfer(self) -> "lakers.CredentialTransfer":
        """Return how lakers is to send the credential."""
        how = lakers.CredentialTransfer
        return how.ByValue if self.is_by_value else how.ByReference


class One:
    """Know one other side."""

    def __init__(self, side: Side) -> None:
        """Keep it."""
        self._credential = side.credential

    def find(self, reference: bytes) -> Credential | None:
        """Return it, if it is meant."""
        return self._credential if reference == self._credential.reference else None


def begins(number: int) -> bool:
    """Tell whether we as initiator agree with lakers, all four messages long."""
    ours, theirs = _sides(number)
    side = begin(ours.credential, One(theirs), IDENTIFIERS[0], suites=(SUITE,))
    peer = lakers.EdhocResponder(theirs.private, theirs.value)
    peer.process_message_1(side.message_1())
    message_3 = side.on_message_2(peer.prepare_message_2(theirs.transfer(), IDENTIFIERS[1]))
    peer.parse_message_3(message_3)
    peer.verify_message_3(ours.value)
    side.on_message_4(peer.prepare_message_4())
    return _is_agreed(side.exporter, peer)


def answers(number: int) -> bool:
    """Tell whether we as responder agree with lakers, all four messages long."""
    ours, theirs = _sides(number)
    peer = lakers.EdhocInitiator()
    message_1 = peer.prepare_message_1(IDENTIFIERS[0])
    owns = {(SUITE, False): ours.credential}
    side, message_2 = answer(message_1, owns, One(theirs), IDENTIFIERS)
    peer.parse_message_2(message_2)
    peer.verify_message_2(theirs.private, theirs.value, ours.value)
    message_3, _ = peer.prepare_message_3(theirs.transfer(), None)
    side.on_message_3(message_3)
    peer.process_message_4(side.message_4())
    return _is_agreed(side.exporter, peer)


def _sides(number: int) -> tuple[Side, Side]:
    # By value only one side: lakers has no room for two.
    by_value = number % 4
    return Side(b"\x2b", by_value == 1), Side(b"\x32", by_value == 2)


def _is_agreed(exporter, peer) -> bool:
    # lakers 0.6 writes labels of 24 and above as a byte, not as an integer.
    for label, context, size in ((0, b"", 16), (1, b"", 8), (23, b"purpose", 32)):
        if exporter.export(label, context, size) != bytes(
            peer.edhoc_exporter(label, context, size)
        ):
            return False
    following = updated(exporter, b"a context")
    peer.edhoc_key_update(b"a context")
    return following.export(0, b"", 16) == bytes(peer.edhoc_exporter(0, b"", 16))
