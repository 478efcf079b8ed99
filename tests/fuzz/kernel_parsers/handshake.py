"""Handshakes: whatever comes in place of a message, and in place of what one protects.

The first byte says in place of which message the rest comes, and how: as it is; or as the
plaintext, masked or sealed as the other side would. Then proofs are passed, too, so that all that
stands behind them is reached; a side that looks at them takes the right message only.
"""

from fuzz.kernel_parsers import port

from kernel.prng import Prng
from kernel.secure import edhoc
from kernel.secure.acquaintances import Acquaintances, by_name, by_value
from kernel.secure.aead import seal
from kernel.secure.edhoc import Credential, HandshakeError, mask, wrap
from kernel.secure.handshake import Handshake
from kernel.secure.revocation import Revocations
from support.secure_parties import NETWORK, MemoryTable, certified

MODULES = ("kernel.secure.handshake", "kernel.secure.edhoc", "kernel.secure.aead")
INSIDE = 4  # in the first byte, beside the number of the message less one
STRANGERS = 8  # both sides send their certificates
_DRAW = Prng(7)
PORT = port.make(lambda count: bytes([_DRAW.below(256) for _ in range(count)]))
_AUTHORITY = b"\x71" * 32
_PUBLIC_AUTHORITY = PORT.signer_of(_AUTHORITY)
_IDENTIFIERS = (b"\x05", b"\x06")


class _Credulous(Handshake):
    # Believe any proof.
    def is_proven(self, *_parts):
        return True


class _Party:
    """One board: its keys, its certificate, and the other's."""

    def __init__(self, node):
        self.node = node
        self.private = bytes((0x80 + node,)) * 32
        self.ephemeral = bytes((0x40 + node,)) * 32
        self.public = PORT.public_of(self.private)
        self.certificate = certified(
            lambda message: PORT.sign(_AUTHORITY, message), self.public, node=node
        )

    def side(self, other, kind, are_strangers):
        """Return our side of a handshake."""
        table = MemoryTable()
        orders = Revocations(table, PORT, _PUBLIC_AUTHORITY, NETWORK)
        peers = Acquaintances(table, PORT, orders)
        peers.node = other.node
        refer = by_value if are_strangers else by_name
        if not are_strangers:
            peers.remember(Credential(b"", other.certificate, other.public))
        own = Credential(refer(self.certificate), self.certificate, self.public, self.private)
        pair = (self.ephemeral, PORT.public_of(self.ephemeral))
        return kind(PORT, own, peers, pair, _IDENTIFIERS)


_ONE, _OTHER = _Party(11), _Party(22)


class _Run:
    """A handshake that went well, with what its messages protect."""

    def __init__(self, are_strangers):
        self.are_strangers = are_strangers
        first, second = self.sides(Handshake)
        self.messages = [first.message_1()]
        self.messages.append(second.on_message_1(self.messages[0]))
        self.first_secret = self._first_secret()
        self.keys_3 = second._keys(3)
        self.messages.append(first.on_message_2(self.messages[1]))
        second.on_message_3(self.messages[2])
        self.keys_4 = second._keys(8)
        self.messages.append(second.message_4())
        self.secret = second.exporter.secret

    def sides(self, kind):
        """Return both sides at their begin."""
        first = _ONE.side(_OTHER, kind, self.are_strangers)
        return first, _OTHER.side(_ONE, kind, self.are_strangers)

    def _first_secret(self):
        # What masks the second message: of who begins, before it knows the other.
        first, _second = self.sides(Handshake)
        first.message_1()
        body = edhoc.unwrap(self.messages[1])
        self.theirs = body[: edhoc.PUBLIC_BYTES]
        first._meet(self.theirs, self.theirs)
        self.masked = lambda text: self.theirs + mask(first._secret, first._transcript, text)
        return first._secret

    def around(self, place, plaintext):
        """Return a message that protects something."""
        if place == 1:
            return wrap(self.masked(plaintext))
        keys = self.keys_3 if place == 2 else self.keys_4
        return wrap(seal(keys[0], keys[1], keys[2], plaintext))

    def play(self, kind, place, instead):
        """Return who hears the replaced message, after it; and what it raised."""
        first, second = self.sides(kind)
        given = list(self.messages)
        given[place] = instead
        steps = (second.on_message_1, first.on_message_2, second.on_message_3)
        heard = first if place in (1, 3) else second
        error = None
        first.message_1()
        try:
            for number in range(place + 1):
                if number == 3:
                    first.on_message_4(given[3])
                elif number == place or number % 2 == place % 2 or number < place:
                    steps[number](given[number])
        except HandshakeError as raised:
            error = raised
        return heard, error


_RUNS = (_Run(False), _Run(True))
_PLAINTEXTS_MAX = 1_000


def seeds():
    """Return all messages, and what they protect, of boards that know each other and strangers."""
    made = []
    for form, run in ((0, _RUNS[0]), (STRANGERS, _RUNS[1])):
        for place, message in enumerate(run.messages):
            made.append(bytes((form | place,)) + message)
        body = edhoc.unwrap(run.messages[1])[edhoc.PUBLIC_BYTES :]
        plain = run.masked(body)[edhoc.PUBLIC_BYTES :]
        made.append(bytes((form | INSIDE | 1,)) + plain)
        made.append(bytes((form | INSIDE | 1,)) + plain + b"\x00\x41a\x01")
        third = (
            by_value(_ONE.certificate)
            if form
            else edhoc.write_reference(by_name(_ONE.certificate))
        )
        made.append(bytes((form | INSIDE | 2,)) + third + wrap(bytes(8)))
        made.append(bytes((form | INSIDE | 2,)) + third + wrap(bytes(8)) + b"\x05\x40")
        made.append(bytes((form | INSIDE | 3,)))
        made.append(bytes((form | INSIDE | 3,)) + b"\x00\x41a")
    return made


def take(data):
    """Return what a side made of a message."""
    form, body = (data[0], data[1:]) if data else (0, b"")
    place, run = form & 3, _RUNS[form & STRANGERS > 0]
    kind = Handshake
    if form & INSIDE and place:
        kind, body = _Credulous, run.around(place, body[:_PLAINTEXTS_MAX])
    heard, error = run.play(kind, place, body)
    if kind is _Credulous:
        _strict, refused = run.play(Handshake, place, body)
        assert refused is not None or body == run.messages[place] or place == 3
    elif error is None:
        # A first message may be anybody's; of the others there is one.
        assert place == 0 or body == run.messages[place], "a forgery"
    if error is not None:
        assert edhoc.read_items(error.message, 2)
        assert heard.exporter is None or place == 3
        # It is over: nothing is taken any more.
        assert _is_over(heard, run, place)
        return error.message
    if heard.exporter and body == run.messages[place]:
        assert heard.exporter.secret == run.secret
    return heard.exporter.secret if heard.exporter else b"\x01"


def _is_over(side, run, place):
    step = (side.on_message_1, side.on_message_2, side.on_message_3, side.on_message_4)[place]
    try:
        step(run.messages[place])
    except HandshakeError:
        return True
    return False
