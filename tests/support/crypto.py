"""The kernel's cryptography over the AES of the runtime, for tests on both."""

import os

from kernel.secure.pure import PureCrypto

try:
    from cryptolib import aes  # MicroPython
except ImportError:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    class aes:  # noqa: N801 - the name that MicroPython gives it
        """Encrypt as MicroPython's cryptolib: a chain goes on from one call to the next."""

        def __init__(self, key, mode, iv=None):
            """Take the key; mode 1 is ECB, 2 is CBC."""
            how = modes.CBC(iv) if mode == 2 else modes.ECB()
            self._context = Cipher(algorithms.AES(key), how).encryptor()

        def encrypt(self, data, out):
            """Encrypt whole blocks into a buffer, which may be the same."""
            out[: len(data)] = self._context.update(bytes(data))


def make(random=None):
    """Return the port, with the random bytes of the system unless others are given."""
    return PureCrypto(aes, random or os.urandom)
