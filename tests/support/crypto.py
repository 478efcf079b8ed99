"""The kernel's cryptography over the AES of the runtime, for tests on both."""

import os

from kernel.secure.loops import Loops
from kernel.secure.pure import PureCrypto

try:
    from cryptolib import aes  # MicroPython
except ImportError:
    from support.host_aes import aes


def make(random=None, aes=aes):
    """Return the port, with the random bytes of the system unless others are given."""
    return PureCrypto(aes, random or os.urandom, Loops())
