"""Whether a boot has entropy enough to make keys, and the keys that are made of it.

Random bytes of the hardware count only while it says that they are truly random, must not repeat
themselves, and must not be those of an earlier boot; the times of events must vary too. Keys are
made of all of it, so they are as good as the best of it.

Input    on_hardware(data, is_true), on_jitter(ticks)
Effects  none
Bounds   HARDWARE_BYTES and JITTER_COUNT samples until it is proven; 2 * 256 B until keys are made
Source   NIST SP 800-90B, sections 4.4.1 (repetition count) and 6.3.1 (most common value); ESP-IDF,
         "Random Number Generation": it is true only while the radio is on
"""

from hashlib import sha256

from .kdf import expand, extract

HARDWARE_BYTES = 512
JITTER_COUNT = 128
MARK_BYTES = 8
# Of 512 random bytes no value comes 21 times, but once in 10**10 boots: 4.6 bits each at least.
_SAME_MAX = 20
_RUN_MAX = 5  # six alike in a row: once in 2**31 boots
_JITTER_SAME_MAX = 96  # three of four events may take equally long


class Entropy:
    """What one boot has gathered; `earlier` is the mark that the last one kept, if any."""

    def __init__(self, earlier: bytes = b"") -> None:
        self._earlier = earlier
        self._pool = sha256()
        self._counts = bytearray(256)
        self._jitter_counts = bytearray(256)
        self._hardware = self._jitter = self._ticks = 0
        self._run, self._last = 0, -1
        self._is_bad = False
        self._first = b""

    def on_hardware(self, data: bytes, is_true: bool) -> None:
        """Take random bytes; `is_true` unless the hardware only computes them."""
        self._pool.update(data)
        if not is_true:
            return
        for byte in data:
            if self._hardware == HARDWARE_BYTES:
                return
            self._hardware += 1
            self._run = self._run + 1 if byte == self._last else 1
            self._last = byte
            self._counts[byte] += 1
            if self._run > _RUN_MAX or self._counts[byte] > _SAME_MAX:
                self._is_bad = True
                self._counts[byte] = 0  # a byte of a counter must not overflow
        if len(self._first) < 2 * MARK_BYTES:
            self._first = (self._first + data)[: 2 * MARK_BYTES]

    def on_jitter(self, ticks: int) -> None:
        """Take the time of an event, of the finest clock there is."""
        passed = (ticks - self._ticks) & 255
        self._ticks = ticks
        self._pool.update(bytes((passed,)))
        if self._jitter < JITTER_COUNT:
            self._jitter += 1
            self._jitter_counts[passed] += 1

    def mark(self) -> bytes:
        """Return what to keep for the next boot: it tells a generator that starts anew."""
        return sha256(self._first).digest()[:MARK_BYTES]

    def is_proven(self) -> bool:
        """Tell whether keys may be made."""
        return (
            self._hardware == HARDWARE_BYTES
            and self._jitter == JITTER_COUNT
            and not self._is_bad
            and max(self._jitter_counts) <= _JITTER_SAME_MAX
            and self.mark() != self._earlier
        )

    def make_keys(self) -> "tuple[bytes, bytes]":
        """Return a private key to agree with and one to sign with; once.

        Raises: OSError (the hardware) if entropy is not proven.
        """
        if not self.is_proven():
            raise OSError(5, "too little entropy")
        self._is_bad = True  # what was gathered is spent
        key = extract(b"identity", self._pool.digest())
        return expand(key, b"agree", 32), expand(key, b"sign", 32)
