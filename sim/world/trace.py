"""The trace of a run, folded into one digest as it happens.

Source: SHA-256 over records of kind (1 byte), time in ms (8), agent (4), length (2) and content.
"""

import binascii
import hashlib
import struct

from cma_toolkit.firmware.kernel.codec import cbor

SEND, REPORT, APP_EVENT, APP_ERROR, ACTUATE, POWER, STATE = 1, 2, 3, 4, 5, 6, 7
BOOT, SLEEP, RADIO, REBOOT, FAULT = 8, 9, 10, 11, 12
_VALUE_BYTES_MAX = 4096


def encode_value(value: object) -> bytes:
    """Return the deterministic bytes of whatever an application handed out.

    What has no CBOR form counts by the name of its type, which is the same on every runtime.
    """
    try:
        return cbor.encode(value, _VALUE_BYTES_MAX)
    except cbor.CborError:
        return cbor.encode("<" + type(value).__name__ + ">", _VALUE_BYTES_MAX)


class Trace:
    """Everything that happened, as far as two runs can be compared."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, kind: int, at_ms: int, agent: int, content: bytes) -> None:
        """Fold in one record."""
        self._hash.update(struct.pack(">BQIH", kind, at_ms, agent, len(content)))
        self._hash.update(content)
        self.count += 1

    def digest(self) -> str:
        """Return the digest; the trace is closed by it."""
        return binascii.hexlify(self._hash.digest()).decode()
