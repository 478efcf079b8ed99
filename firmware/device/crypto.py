"""The cryptography of a board: its AES and its random numbers, and the loops of its chip."""

from os import urandom

from cryptolib import aes

from kernel.secure.pure import PureCrypto

try:
    from native import loops
except ImportError:  # the image is for every chip: Python has to do
    loops = None


def make():
    """Return the port of cryptography."""
    if loops:
        return PureCrypto(aes, urandom, loops)
    from kernel.secure.loops import Loops

    return PureCrypto(aes, urandom, Loops())
