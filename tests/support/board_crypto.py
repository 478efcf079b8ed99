"""Seal, agree and sign as a board does; print which loops it had and whether all of it held."""

from binascii import hexlify

from device import crypto
from kernel.secure.aead import seal, unseal
from kernel.secure.loops import Loops

PORT = crypto.make()
KEY, NONCE = bytes(16), bytes(13)

sealed = seal(PORT.aead(KEY), NONCE, b"header", b"message")
one, other = PORT.random(32), PORT.random(32)
print(
    "Python" if isinstance(PORT.loops, Loops) else "machine code",
    unseal(PORT.aead(KEY), NONCE, b"header", sealed) == b"message",
    PORT.agree(one, PORT.public_of(other)) == PORT.agree(other, PORT.public_of(one)),
    PORT.verify(PORT.signer_of(one), b"message", PORT.sign(one, b"message")),
    hexlify(sealed).decode(),
)
