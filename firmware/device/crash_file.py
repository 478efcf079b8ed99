"""Keep a crash in a file, for `cma replay`: what the agent was told, and its traceback.

    0..3    magic
    4       cause of the boot after the crash; 0: the agent went on
    5..6    length of the traceback, which follows
    ..      RTC memory without a traceback, from its beginning; see `device.recorder`
    last 4  CRC-32 of all before

One file, replaced by the next crash: at most one a boot, and one an hour of what a handler raised.
"""

import binascii
import os

from device.rtc import RECORD_AT

FOLDER = "/user/.agent"
_MAGIC = b"cma\x01"
_RECORDED = b"\xc3\xb6"


def keep(memory, text, cause, sink):
    """Write the file; say so if that fails, as without a filesystem, and go on."""
    if not text and memory[RECORD_AT : RECORD_AT + 2] != _RECORDED:
        return
    try:
        try:
            os.mkdir(FOLDER)
        except OSError:  # it is there
            pass
        parts = (_MAGIC + bytes((cause, len(text) >> 8, len(text) & 0xFF)), text, memory)
        crc = 0
        with open(FOLDER + "/crash", "wb") as file:
            for part in parts:
                file.write(part)
                crc = binascii.crc32(part, crc)
            file.write(crc.to_bytes(4, "big"))
        sink.note("crash kept", "to repeat it on your computer: cma replay BOARD --last-crash")
    except (OSError, MemoryError) as error:
        sink.note("crash not kept", repr(error))
