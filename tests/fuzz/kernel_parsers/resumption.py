"""Resumptions: whatever comes in place of a message ends one; only the right one leads to a key.

The first byte says in place of which message the rest comes, and whether its code is made right.
"""

from kernel.secure.edhoc import HandshakeError, derive
from kernel.secure.resumption import Resumption

MODULES = ("kernel.secure.resumption",)
KEPT = b"\x55" * 32
ONE, TWO = b"12345678", b"abcdefgh"
ASK, ANSWER, PROOF = 1, 2, 3
_CODED = 4


def _exchange(place=0, instead=b""):
    # Return both sides after three messages, one of which was replaced.
    first, second = Resumption(KEPT, ONE), Resumption(KEPT, TWO)
    try:
        asked = first.ask()
        answer = second.on_ask(instead if place == ASK else asked)
        proof = first.on_answer(instead if place == ANSWER else answer)
        second.on_proof(instead if place == PROOF else proof)
    except HandshakeError:
        pass
    return first, second


def seeds():
    """Return each message as it should be."""
    made = [ONE + derive(KEPT, ASK, ONE, 8)]
    made.append(TWO + derive(KEPT, ANSWER, ONE + TWO, 8))
    made.append(derive(KEPT, PROOF, ONE + TWO, 8))
    return [bytes((place + 1,)) + each for place, each in enumerate(made)] + [b"\x05strange!"]


def take(data):
    """Return the secret that the side has which heard the input."""
    place, body = (data[0] & 3, data[1:]) if data else (0, b"")
    if not place:
        return b""
    nonces = {ASK: b"", ANSWER: ONE, PROOF: ONE + TWO}[place]
    if data[0] & _CODED and place != PROOF:
        body = body[:8] + derive(KEPT, place, nonces + body[:8], 8)
    first, second = _exchange(place, body)
    heard = first if place == ANSWER else second
    secrets = [side.exporter.secret for side in (first, second) if side.exporter]
    if data[0] & _CODED and place == ASK:
        assert not second.exporter or body[:8] == ONE, "a proof for other nonces"
    if len(secrets) == 2:
        assert secrets[0] == secrets[1] or place == PROOF
    good = [side.exporter.secret for side in _exchange()]
    assert good[0] == good[1]
    return heard.exporter.secret if heard.exporter else b""
