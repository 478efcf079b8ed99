"""The message of fixed shape: all figures of a telemetry frame, written in one call.

A figure is stored with a bias of 65,536, so that each takes the head of 32 bits: CBOR has no
shorter one for 65,536 … 4,294,967,295. So the message has one length and every figure its place,
and it still is the deterministic encoding that any decoder takes.

Input    the figures, or a payload
Effects  none
Bounds   TELEMETRY_FIGURES; writing allocates nothing while figures are small integers
Source   RFC 8949, 4.2.1; protocol.cddl, "telemetry"
"""

from struct import pack_into, unpack_from

from .cbor import CborError, decode

TELEMETRY_FIGURES = 15
TELEMETRY_BYTES = 91  # the head of the map; per figure its key, a head of one byte and 32 bits
BIAS = 65_536
_FORMAT = ">BHIHIHIHIHIHIHIHIHIHIHIHIHIHIHI"  # key and head of a figure are one number: 0x011A


def write_telemetry(buffer: bytearray, offset: int, figures: "list[int]") -> int:
    """Write the map of the figures 1, 2, … at an offset and return the offset after it.

    Raises: CborError if there are not TELEMETRY_FIGURES from 0 to 2**30 - 1, or they do not fit.
    """
    if len(figures) != TELEMETRY_FIGURES or offset + TELEMETRY_BYTES > len(buffer):
        raise CborError("does not fit")
    a, b, c, d, e, f, g, h, i, j, k, m, n, o, p = figures
    # `struct` cuts a number that is too large without a word.
    if (a | b | c | d | e | f | g | h | i | j | k | m | n | o | p) >> 30:
        raise CborError("a figure is negative or beyond 30 bits")
    pack_into(
        _FORMAT, buffer, offset, 0xAF,
        0x011A, a + BIAS, 0x021A, b + BIAS, 0x031A, c + BIAS, 0x041A, d + BIAS, 0x051A, e + BIAS,
        0x061A, f + BIAS, 0x071A, g + BIAS, 0x081A, h + BIAS, 0x091A, i + BIAS, 0x0A1A, j + BIAS,
        0x0B1A, k + BIAS, 0x0C1A, m + BIAS, 0x0D1A, n + BIAS, 0x0E1A, o + BIAS, 0x0F1A, p + BIAS,
    )  # fmt: skip
    return offset + TELEMETRY_BYTES


def read_telemetry(payload: "bytes | memoryview") -> "list[int]":
    """Return the figures of a telemetry frame.

    One of other widths or with later keys is read, too.

    Raises: CborError if it is no such map (peer).
    """
    if len(payload) == TELEMETRY_BYTES:
        (
            lead, aa, a, bb, b, cc, c, dd, d, ee, e, ff, f, gg, g, hh, h, ii, i, jj, j, kk, k,
            mm, m, nn, n, oo, o, pp, p,
        ) = unpack_from(_FORMAT, payload)  # fmt: skip
        if (
            lead == 0xAF and aa == 0x011A and bb == 0x021A and cc == 0x031A and dd == 0x041A
            and ee == 0x051A and ff == 0x061A and gg == 0x071A and hh == 0x081A and ii == 0x091A
            and jj == 0x0A1A and kk == 0x0B1A and mm == 0x0C1A and nn == 0x0D1A and oo == 0x0E1A
            and pp == 0x0F1A
        ):  # fmt: skip
            figures = [
                a - BIAS, b - BIAS, c - BIAS, d - BIAS, e - BIAS, f - BIAS, g - BIAS, h - BIAS,
                i - BIAS, j - BIAS, k - BIAS, m - BIAS, n - BIAS, o - BIAS, p - BIAS,
            ]  # fmt: skip
            if min(figures) >= 0:
                return figures
    fields = decode(payload)
    if not isinstance(fields, dict):
        raise CborError("telemetry is a map")
    figures = []
    for key in range(1, TELEMETRY_FIGURES + 1):
        raw = fields.get(key)
        if isinstance(raw, bool) or not isinstance(raw, int) or raw < BIAS:
            raise CborError("telemetry lacks a figure")
        figures.append(raw - BIAS)
    return figures
