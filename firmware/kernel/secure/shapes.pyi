"""What the room's machines ask of who carries their effects out; types only."""

from typing import Protocol

class CallSink(Protocol):
    """Where the effects of `Calls` and `Quarantine` go.

    As with `kernel.effects`, an effect never calls back, and a buffer is valid until it returns.
    """

    def say(self, peer: int, data: bytes, /) -> object:
        """Send a frame of KIND_CALL to a node, with one byte string as its payload."""

    def sealed(self, frame: bytearray, length: int, /) -> object:
        """Send a frame that is protected."""

    def joined(self, peer: int, /) -> object:
        """Note that there is a new session with a node."""

    def failed(self, peer: int, /) -> object:
        """Note that a node was called in vain."""

    def aside(self, node: int, what: int, span_ms: int, /) -> object:
        """Report a node that was put aside, what tipped it, and for how long."""
