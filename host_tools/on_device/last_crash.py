"""Hand over what this board kept of its last crash, and what belongs to it; changes nothing."""

import binascii

from on_device.ours import is_ours

CRASH = "/user/.agent/crash"
APP = "/user/app.py"
SECTOR_BYTES = 4096
COUNT = 4  # of blocks: a block device's request
NVS_NAMESPACE = "cma"
BLOBS = ("name", "board", "cluster", "settings", "currents")  # no keys, no passwords
BLOB_BYTES_MAX = 1536
HEAD_BYTES = 32


def run(arguments):
    """Return a sector of the partition `state`, or all the rest."""
    if "sector" in arguments:
        data = bytearray(SECTOR_BYTES)
        state().readblocks(arguments["sector"], data)
        return text(bytes(data).rstrip(b"\xff"))
    if not is_ours():
        return None
    import machine

    part = state()
    return {
        "crash": text(content(CRASH)),
        "app_crc": binascii.crc32(content(APP)),
        "mac": binascii.hexlify(machine.unique_id()).decode(),
        "settings": settings(),
        "sectors": part.ioctl(COUNT, 0) if part else 0,
        "used": used(part) if part else [],
    }


def state():
    """Return the journal's partition, None if there is none."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label="state")
    return found[0] if found else None


def used(part):
    """Return the numbers of the sectors that are not blank."""
    head = bytearray(HEAD_BYTES)
    found = []
    for sector in range(part.ioctl(COUNT, 0)):
        part.readblocks(sector, head, 0)
        if min(head) != 0xFF:
            found.append(sector)
    return found


def settings():
    """Return our blobs that an agent is made from, in base64."""
    from esp32 import NVS

    store = NVS(NVS_NAMESPACE)
    buffer = bytearray(BLOB_BYTES_MAX)
    found = {}
    for key in BLOBS:
        try:
            size = store.get_blob(key, buffer)
        except OSError:
            continue  # not set
        found[key] = text(buffer[:size])
    return found


def content(path):
    """Return a file, nothing if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def text(data):
    """Return bytes in base64."""
    return binascii.b2a_base64(data).decode().strip()
