"""How long things are on the air and on a wire: ESP-NOW at 1 Mbit/s, and 8N1.

Source   IEEE 802.11-2016, clause 15 (1 Mbit/s, long preamble, times of a station) and
         dot11ShortRetryLimit; ESP-IDF, "ESP-NOW", frame format
"""

SLOT_US = 20  # two senders within one cannot hear each other begin
SIFS_US = 10  # from a frame to its acknowledgement
DIFS_US = 50  # of silence before a sender counts its slots
TRIES_MAX = 7  # of a frame that is acknowledged
SLOTS_MIN, SLOTS_MAX = 32, 1024  # among which a sender draws, twice as many for each try
CAPTURE_DB = 10  # by which a frame drowns another: the threshold of ns-2

_PREAMBLE_US = 192  # the long one and the PLCP header
_AROUND_BYTES = 43  # MAC header 24, vendor action frame 15, FCS 4
_ACK_BYTES = 14

ACK_US = _PREAMBLE_US + 8 * _ACK_BYTES
_LONGEST_BYTES = 250
FRAME_US_MAX = _PREAMBLE_US + 8 * (_AROUND_BYTES + _LONGEST_BYTES)


def frame_us(length: int) -> int:
    """Return how long a frame of the kernel is on the air."""
    return _PREAMBLE_US + 8 * (_AROUND_BYTES + length)


def wire_us(length: int, baud: int) -> int:
    """Return how long a frame without zeros is on a wire: `kernel.codec.cobs`, 8N1."""
    checked_bytes = length + 4
    return (checked_bytes + checked_bytes // 254 + 2) * 10 * 1_000_000 // baud
