"""Tell what this board is: chip, MicroPython, flash, files, and its name with us."""

import binascii
import os
import sys

from on_device.ours import is_ours

DIRECTORY = 0x4000
ENTRIES_MAX = 2000
BLOB_BYTES_MAX = 512
NVS_NAMESPACE = "cma"
OUR_BLOBS = ("name", "cluster", "board", "pins")


def run(arguments):
    """Return the facts, each None where this firmware cannot tell."""
    count = Counter()
    count.walk("/")
    return {
        "platform": sys.platform,
        "machine": getattr(sys.implementation, "_machine", None),
        "version": list(sys.implementation.version[:3]),
        "release": os.uname().release if hasattr(os, "uname") else None,
        "mac": mac(),
        "partitions": partitions(),
        "flash_bytes": flash_bytes(),
        "files": count.files,
        "files_complete": count.entries < ENTRIES_MAX,
        "root": sorted(os.listdir("/")),
        "nvs": our_settings() if is_ours() else None,
    }


class Counter:
    """Count files below a folder, leaving out what is mounted read-only from ROMFS."""

    def __init__(self):
        self.files = 0
        self.entries = 0

    def walk(self, folder):
        """Count the files of a folder and of those below it."""
        for found in os.ilistdir(folder):
            self.entries += 1
            if self.entries >= ENTRIES_MAX:
                return
            path = folder + found[0] if folder.endswith("/") else folder + "/" + found[0]
            if path == "/rom":
                continue
            if found[1] & DIRECTORY:
                self.walk(path)
            else:
                self.files += 1


def mac():
    """Return the factory MAC as text."""
    try:
        import machine

        raw = binascii.hexlify(machine.unique_id()).decode()
    except (ImportError, AttributeError):
        return None
    return ":".join([raw[i : i + 2] for i in range(0, len(raw), 2)])


def partitions():
    """Return [label, type, subtype, offset, size_bytes] of each partition."""
    try:
        from esp32 import Partition
    except ImportError:
        return None
    found = []
    for kind in (Partition.TYPE_APP, Partition.TYPE_DATA):
        for partition in Partition.find(kind):
            info = partition.info()
            found.append([info[4], info[0], info[1], info[2], info[3]])
    return found


def flash_bytes():
    """Return the size of the flash chip."""
    try:
        import esp

        return esp.flash_size()
    except (ImportError, AttributeError):
        return None


def our_settings():
    """Return the blobs of our NVS namespace in hexadecimal; secrets are never read.

    Called for our boards only: on any other, opening the namespace would write it.
    """
    from esp32 import NVS

    store = NVS(NVS_NAMESPACE)
    found = {}
    buffer = bytearray(BLOB_BYTES_MAX)
    for key in OUR_BLOBS:
        try:
            size = store.get_blob(key, buffer)
        except OSError:
            continue  # not set
        found[key] = binascii.hexlify(buffer[:size]).decode()
    return found
