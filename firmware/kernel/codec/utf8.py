"""Whether bytes are UTF-8, answered alike on every runtime.

MicroPython takes surrogates and overlong forms for text; a peer could then send two names that
look alike, and the same bytes would be text here and an error there.

Input    bytes
Effects  none
Bounds   one pass
Source   RFC 3629, section 4 (the grammar of UTF-8 byte sequences)
"""


def is_utf8(data: "bytes | memoryview") -> bool:
    """Tell whether bytes are well-formed UTF-8."""
    index, end = 0, len(data)
    while index < end:
        lead = data[index]
        index += 1
        if lead < 0x80:
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        following = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if index + following > end:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        if not low <= data[index] <= high:
            return False
        for offset in range(1, following):
            if data[index + offset] & 0xC0 != 0x80:
                return False
        index += following
    return True
