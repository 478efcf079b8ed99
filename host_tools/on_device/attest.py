"""Measure what this board runs, and sign that for a nonce with the key that it keeps.

What is signed are three digests; the list that they were made of goes along, so that whoever reads
it learns what differs. Passwords are in neither.
"""

import binascii
import hashlib
import os

from on_device.ours import has_our_map
from on_device.own_keys import load
from on_device.slot import SECTOR_BYTES, room_at, sector_of_slot, size_of_image

BLOCK_BYTES = 1024
TABLE_AT, TABLE_BYTES = 0x8000, 0xC00
HEADER_BYTES, SEGMENT_BYTES, SEGMENTS_MAX = 24, 8, 16
DIGEST_BYTES = 32
FOLDER = 0x4000
MOUNTED = ("rom", "user", "lent")  # at the root: what lies there is no file of it
SETTINGS_NAMESPACE = "cma"
ABOUT = b'{"micropython":'  # how `image.json` begins
VALUE_BYTES_MAX = 1536


def run(arguments):
    """Return the token and the list, or that this board has no key."""
    import machine
    from lent.secure import ed25519
    from lent.secure.token import claims_of, signed

    identity = load() if has_our_map() else None  # to look would write another's board
    if identity is None:
        return {"token": None}
    slot, runtime = measured_slot(arguments["shadows"]), measured_runtime(arguments["bootloader"])
    settings = measured_settings(arguments["keys"])
    claims = claims_of(
        binascii.unhexlify(arguments["nonce"]),
        machine.unique_id(),
        slot[0][1] if len(slot) == 1 else folded(slot),
        folded([(key, hashlib.sha256(value).digest()) for key, value in settings]),
        folded(runtime),
    )
    return {
        "token": text(signed(ed25519, identity.sign_private, claims)),
        "slot": told(slot),
        "settings": told(settings),
        "runtime": told(runtime),
        "about": about(),
    }


def measured_slot(shadows):
    """Return the digest of the image that runs, and of each file that stands in for a part."""
    part = romfs()
    sector = sector_of_slot(part.info()[3] // SECTOR_BYTES)
    entries = [("image", digest_of(part, sector * SECTOR_BYTES))]
    return entries + [(path, digest_of_file(path)) for path in shadows if is_file(path)]


def measured_runtime(bootloader_at):
    """Return the digests of all that runs before the image, in the order in which it does."""
    from esp32 import Partition

    app = Partition(Partition.RUNNING)
    entries = [
        ("bootloader", digest(raw, bootloader_at, size_of_app(raw, bootloader_at, TABLE_AT))),
        ("table", digest(raw, TABLE_AT, TABLE_BYTES)),
        ("micropython", digest(app.readblocks, 0, size_of_app(app.readblocks, 0, app.info()[3]))),
        ("loader", digest_of(romfs(), 0)),
    ]
    return entries + [(path, digest_of_file(path)) for path in sorted(root_files("/"))]


def measured_settings(keys):
    """Return what provisioning wrote, but for passwords."""
    from esp32 import NVS

    store = NVS(SETTINGS_NAMESPACE)
    buffer = bytearray(VALUE_BYTES_MAX)
    found = []
    for key in keys:
        try:
            found.append((key, bytes(buffer[: store.get_blob(key, buffer)])))
        except OSError:
            pass  # not set
    return found


def romfs():
    """Return the partition that loader and images lie in."""
    from esp32 import Partition

    return Partition.find(Partition.TYPE_DATA, label="romfs")[0]


def raw(block, buffer, offset):
    """Read flash that is in no partition."""
    import esp

    esp.flash_read(block * SECTOR_BYTES + offset, buffer)


def digest_of(part, at):
    """Return the digest of a ROMFS in a partition; of one without an end, of all its room."""
    head = bytearray(8)
    part.readblocks(at // SECTOR_BYTES, head, 0)
    size, room = size_of_image(head), room_at(at // SECTOR_BYTES, part.info()[3] // SECTOR_BYTES)
    return digest(part.readblocks, at, size if 0 < size <= room else room)


def size_of_app(read, at, end):
    """Return how long an image of the chip is: its segments, a checksum, its digest if it has one.

    Of one without an end, all up to `end`.
    """
    head = bytearray(HEADER_BYTES)
    read(at // SECTOR_BYTES, head, at % SECTOR_BYTES)
    size = HEADER_BYTES
    segment = bytearray(SEGMENT_BYTES)
    for _ in range(min(head[1], SEGMENTS_MAX)):
        if at + size + SEGMENT_BYTES > end:
            break
        read((at + size) // SECTOR_BYTES, segment, (at + size) % SECTOR_BYTES)
        size += SEGMENT_BYTES + int.from_bytes(segment[4:], "little")
    size += 16 - size % 16 + (DIGEST_BYTES if head[23] == 1 else 0)
    return size if at + size <= end else end - at


def digest(read, at, size):
    """Return the digest of a stretch of flash."""
    made = hashlib.sha256()
    buffer = bytearray(BLOCK_BYTES)
    view = memoryview(buffer)
    end = at + size
    while at < end:
        piece = view[: min(BLOCK_BYTES - at % BLOCK_BYTES, end - at)]
        read(at // SECTOR_BYTES, piece, at % SECTOR_BYTES)
        made.update(piece)
        at += len(piece)
    return made.digest()


def digest_of_file(path):
    """Return the digest of a file."""
    made = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            block = file.read(BLOCK_BYTES)
            if not block:
                return made.digest()
            made.update(block)


def root_files(folder):
    """Return the paths of all files at the root and in its folders."""
    found = []
    for entry in os.ilistdir(folder):
        path = folder + entry[0]
        if not entry[1] & FOLDER:
            found.append(path)
        elif folder != "/" or entry[0] not in MOUNTED:
            found += root_files(path + "/")
    return found


def is_file(path):
    """Tell whether there is such a file."""
    try:
        return not os.stat(path)[0] & FOLDER
    except OSError:
        return False


def folded(entries):
    """Return one digest of a list of names and digests."""
    made = hashlib.sha256()
    for name, found in entries:
        made.update(hashlib.sha256(name.encode()).digest())
        made.update(found)
    return made.digest()


def about():
    """Return what the image that runs says it is, as it lies in flash; "" if it does not say."""
    part = romfs()
    count = part.info()[3] // SECTOR_BYTES
    first = sector_of_slot(count)
    buffer = bytearray(2 * BLOCK_BYTES)
    for at in range(0, room_at(first, count) - BLOCK_BYTES, BLOCK_BYTES):
        part.readblocks(first + at // SECTOR_BYTES, buffer, at % SECTOR_BYTES)
        begin = buffer.find(ABOUT)
        if 0 <= begin < BLOCK_BYTES:
            return printable(buffer[begin : buffer.find(b"}", begin) + 1])
    return ""


def printable(data):
    """Return text of which each byte that is none is left out."""
    return "".join([chr(byte) for byte in data if 32 <= byte < 127])


def told(entries):
    """Return a list as JSON takes it."""
    return [[name, text(data)] for name, data in entries]


def text(data):
    """Return bytes in hexadecimal."""
    return binascii.hexlify(data).decode()
