"""Read and write what this board was told it is: the namespace `cma` of its NVS.

Secrets leave the board only as a hash over a salt that the host drew for this one run.
"""

import binascii
import hashlib
import json
import os
import sys

from on_device.ours import has_our_map, is_ours
from on_device.own_keys import halves
from on_device.slot import SECTOR_BYTES, sector_of_slot, size_of_image

NAMESPACE = "cma"
REVISION = "revision"
BUFFER_BYTES = 2048
BLOCK_BYTES = 512


def run(arguments):
    """Do `arguments["do"]`: is_ready, read, write or set_aside."""
    globals().pop("len", None)  # ampy leaves a number of this name behind
    return ACTIONS[arguments["do"]](arguments)


def read(arguments):
    """Return the board's MAC and machine, whether `cma flash` was here, and the values stored."""
    import machine

    ours = has_our_map()  # without its kernel: cut off while its image was written
    reply = {
        "mac": text_of_mac(machine.unique_id()),
        "machine": getattr(sys.implementation, "_machine", ""),
        "ours": ours,
        "values": {},
        "fingerprints": {},
        "image": "",
        "application": "",
        "shadows": [],
        "kept": {},
    }
    if ours:  # on any other board, opening the namespace would write it
        stored(arguments, reply)
        reply["kept"] = halves()
        image(reply)
        reply["shadows"] = [path for path in arguments["shadows"] if is_file(path)]
    return reply


def image(reply):
    """Add the digest of the agent's image, as it lies in flash, and what it says it is."""
    from esp32 import Partition

    part = Partition.find(Partition.TYPE_DATA, label="romfs")[0]
    begin = sector_of_slot(part.info()[3] // SECTOR_BYTES)
    buffer = bytearray(BLOCK_BYTES)
    part.readblocks(begin, buffer, 0)
    left = size_of_image(buffer)
    digest = hashlib.sha256()
    at = 0
    while left > 0:
        part.readblocks(begin + at // SECTOR_BYTES, buffer, at % SECTOR_BYTES)
        digest.update(memoryview(buffer)[: min(left, BLOCK_BYTES)])
        at += BLOCK_BYTES
        left -= BLOCK_BYTES
    reply["image"] = binascii.hexlify(digest.digest()).decode()
    try:
        with open("/rom/image.json") as file:
            about = json.loads(file.read())
        reply["application"] = "%s %s" % (about["name"], about["sources"])
    except (OSError, ValueError, KeyError):
        pass  # an image of before there were names


def is_file(path):
    """Tell whether there is such a file."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def set_aside(arguments):
    """Rename the files that run instead of the image's application."""
    for path in arguments["paths"]:
        if is_file(path):
            os.rename(path, path + ".old")
    return True


def is_ready(arguments):
    """Tell whether boot.py came to its end on a board of ours; of another board it need not."""
    return not has_our_map() or (is_ours() and "user" in os.listdir("/"))


def stored(arguments, reply):
    """Add the revision, each value in hexadecimal, and of each secret a salted hash."""
    from esp32 import NVS

    store = NVS(NAMESPACE)
    salt = binascii.unhexlify(arguments["salt"])
    buffer = bytearray(BUFFER_BYTES)
    try:
        reply["values"][REVISION] = store.get_i32(REVISION)
    except OSError:
        pass  # not set
    for key in arguments["keys"]:
        try:
            size = store.get_blob(key, buffer)
        except OSError:
            continue  # not set
        value = bytes(buffer[:size])
        if key in arguments["secrets"]:
            digest = hashlib.sha256(salt + value).digest()
            reply["fingerprints"][key] = binascii.hexlify(digest).decode()
        else:
            reply["values"][key] = binascii.hexlify(value).decode()


def write(arguments):
    """Erase and set what changed, in one commit.

    The revision goes first and comes back last: a board without one was cut off in the middle.
    """
    from esp32 import NVS

    store = NVS(NAMESPACE)
    for key in [REVISION] + arguments["erase"]:
        try:
            store.erase_key(key)
        except OSError:
            pass  # not set
    for key, value in arguments["values"].items():
        store.set_blob(key, binascii.unhexlify(value))
    store.set_i32(REVISION, arguments["revision"])
    store.commit()
    return True


def text_of_mac(raw):
    """Return `a4:cf:12:00:00:01`."""
    digits = binascii.hexlify(raw).decode()
    return ":".join([digits[i : i + 2] for i in range(0, len(digits), 2)])


ACTIONS = {"is_ready": is_ready, "read": read, "write": write, "set_aside": set_aside}
