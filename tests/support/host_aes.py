"""AES as MicroPython's cryptolib has it, on CPython."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_CBC = 2


class aes:  # noqa: N801 - the name that MicroPython gives it
    """Encrypt under one key; a chain goes on from one call to the next."""

    def __init__(self, key, mode, iv=None):
        """Take the key; mode 1 is ECB, 2 is CBC."""
        how = modes.CBC(iv) if mode == _CBC else modes.ECB()
        self._context = Cipher(algorithms.AES(key), how).encryptor()

    def encrypt(self, data, out):
        """Encrypt whole blocks into a buffer, which may be the same."""
        out[: len(data)] = self._context.update(bytes(data))
