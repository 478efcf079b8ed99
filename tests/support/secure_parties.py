"""Boards of one fleet with keys and certificates, drawn from a seed, on both runtimes."""

from kernel.codec.cbor import encode
from kernel.prng import Prng, seed_from
from kernel.secure.acquaintances import Acquaintances, by_name, by_value
from kernel.secure.certificate import PROTECTED, thumbprint_of, to_be_signed
from kernel.secure.edhoc import Credential
from kernel.secure.handshake import Handshake
from kernel.secure.revocation import MARK_BYTES, Revocations
from support import crypto

NETWORK = 0x1234
EXPIRES_S = 2_000_000_000
IDENTIFIERS = (b"\x05", b"\x06")


class MemoryTable:
    """A table that forgets with the process, as `kernel.ports.Table`."""

    def __init__(self):
        """Begin empty."""
        self.held = {}

    def get(self, key):
        """Return the value under a key."""
        return self.held.get(key)

    def keys(self):
        """Return all keys in order."""
        return sorted(self.held)

    def put(self, key, value):
        """Keep a value."""
        self.held[key] = value

    def delete(self, key):
        """Keep it no more."""
        self.held.pop(key, None)


class Remembered:
    """The port, with what it computed on curves before: tests ask the same over and over."""

    PRIVATE_BYTES = 32

    def __init__(self, port):
        """Wrap a port."""
        self.aead, self.random, self.sign = port.aead, port.random, port.sign
        self.signer_of = port.signer_of
        self._port = port
        self._held = {}

    def public_of(self, private):
        """Return the public key."""
        return self._once(self._port.public_of, (private,))

    def agree(self, private, public):
        """Return the shared secret."""
        return self._once(self._port.agree, (private, public))

    def verify(self, public, message, signature):
        """Tell whether a signature is right."""
        return self._once(self._port.verify, (public, message, signature))

    def _once(self, compute, arguments):
        if arguments not in self._held:
            self._held[arguments] = compute(*arguments)
        return self._held[arguments]


class Fleet:
    """An authority, and the port on which everything random comes from one seed."""

    def __init__(self, seed=1):
        """Draw the authority's key."""
        self._rng = Prng(seed_from(seed, "fleet"))
        self.port = Remembered(crypto.make(self.random))
        self._private = self.random(32)
        self.authority = self.port.signer_of(self._private)

    def random(self, count):
        """Return bytes that the seed decides."""
        return bytes([self._rng.below(256) for _ in range(count)])

    def sign(self, message):
        """Sign for the authority."""
        return self.port.sign(self._private, message)

    def revoked(self, number, keys, epoch=0):
        """Return the authority's list of keys that are void."""
        marks = sorted([thumbprint_of(key)[:MARK_BYTES] for key in keys])
        return self._stated(NETWORK, number, epoch, b"".join(marks))

    def succeeded_by(self, number, authority):
        """Return the authority's word on who comes after it."""
        return self._stated(NETWORK, number, authority)

    def _stated(self, *items):
        payload = encode(list(items))
        return encode([PROTECTED, {}, payload, self.sign(to_be_signed(payload))])

    def board(self, node, **changes):
        """Return a board with a certificate."""
        return Board(self, node, changes)


def certified(sign, public, **changes):
    """Return a certificate, as RFC 8392 and SPEC.md have it; by default that of node 11."""
    facts = {"node": 11, "network": NETWORK, "roles": 0, "epoch": 0, "expires_s": EXPIRES_S}
    facts["thumbprint"] = thumbprint_of(b"\x77" * 32)
    facts.update(changes)
    names = ("node", "network", "roles", "epoch", "thumbprint")
    key = {1: 1, -1: 4, -2: public}
    board = [facts[name] for name in names]
    claims = encode({4: facts["expires_s"], 8: {1: key}, -65537: board})
    signature = sign(encode(["Signature1", b"\xa1\x01\x27", b"", claims]))
    return encode([b"\xa1\x01\x27", {}, claims, signature])


class Board:
    """One board: its keys, its certificate and whom it knows."""

    def __init__(self, fleet, node, changes):
        """Draw the keys and have them certified."""
        self.fleet = fleet
        self.node = node
        self.private = fleet.random(32)
        self.public = fleet.port.public_of(self.private)
        self.certificate = certified(fleet.sign, self.public, node=node, **changes)
        self.table = MemoryTable()
        orders = Revocations(self.table, fleet.port, fleet.authority, NETWORK)
        self.peers = Acquaintances(self.table, fleet.port, orders)
        self.pair = None  # the ephemeral pair to use each time, where that does not matter

    def own(self, is_known):
        """Return the credential as it is said to who knows it, or does not."""
        refer = by_name if is_known else by_value
        return Credential(refer(self.certificate), self.certificate, self.public, self.private)

    def meets(self, other):
        """Remember another board as after a handshake with it."""
        self.peers.node = other.node
        self.peers.remember(other.own(True))

    def fresh(self):
        """Return an ephemeral pair."""
        if self.pair:
            return self.pair
        private = self.fleet.random(32)
        return private, self.fleet.port.public_of(private)

    def side(self, other, is_known=True, identifiers=IDENTIFIERS):
        """Return our side of a handshake with another board, whoever begins."""
        self.peers.node = other.node
        own = self.own(is_known)
        return Handshake(self.fleet.port, own, self.peers, self.fresh(), identifiers)


def known_pair(seed=1, is_thrifty=False):
    """Return two boards that know each other; thrifty ones use their ephemeral keys again."""
    fleet = Fleet(seed)
    one, other = fleet.board(11), fleet.board(22)
    one.meets(other)
    other.meets(one)
    if is_thrifty:
        one.pair, other.pair = one.fresh(), other.fresh()
    return one, other


def shake(first, second):
    """Let two sides exchange all four messages; return these."""
    message_1 = first.message_1()
    message_2 = second.on_message_1(message_1)
    message_3 = first.on_message_2(message_2)
    second.on_message_3(message_3)
    message_4 = second.message_4()
    first.on_message_4(message_4)
    return message_1, message_2, message_3, message_4
