"""The port of cryptography of a run: a library's where there is one, and what it computed kept."""

from support import crypto

_KEPT_MAX = 2_000


def make(random):
    """Return the port; random bytes come from `random(count)`."""
    try:
        from cma_toolkit.host_tools.secure.pyca import PycaCrypto
    except ImportError:  # MicroPython
        return Kept(crypto.make(random), random)
    return Kept(PycaCrypto(), random)


class Kept:
    """A port that computes nothing on a curve twice; its AEAD is the board's own."""

    PRIVATE_BYTES = PUBLIC_BYTES = 32

    def __init__(self, port, random):
        self.aead, self.random = crypto.make(random).aead, random
        self.sign, self.signer_of = port.sign, port.signer_of
        self._port, self._held = port, {}

    def public_of(self, private):
        """Return the X25519 public key."""
        return self._once("public", self._port.public_of, (private,))

    def agree(self, private, public):
        """Return the X25519 secret."""
        return self._once("agree", self._port.agree, (private, public))

    def verify(self, public, message, signature):
        """Tell whether a signature is good."""
        return self._once("verify", self._port.verify, (public, message, signature))

    def _once(self, name, compute, parts):
        if len(self._held) > _KEPT_MAX:
            self._held.clear()
        key = (name, parts)
        if key not in self._held:
            self._held[key] = compute(*parts)
        return self._held[key]
