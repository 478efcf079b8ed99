"""Look at, move and remove files: what a host does many times, in one round trip each."""

import binascii
import hashlib
import os

DIRECTORY = 0x4000
BUFFER_BYTES = 512


def run(arguments):
    """Do `arguments["do"]`: hash, list, mkdir, move or remove."""
    return ACTIONS[arguments["do"]](arguments)


def hashes(arguments):
    """Return the SHA-256 of each path in hexadecimal, None where no file is."""
    return {path: file_hash(path) for path in arguments["paths"]}


def file_hash(path):
    """Return the SHA-256 of one file, None if it is none."""
    if kind(path) != "file":
        return None
    digest = hashlib.sha256()
    buffer = bytearray(BUFFER_BYTES)
    view = memoryview(buffer)
    with open(path, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                break
            digest.update(view[:count])
    return binascii.hexlify(digest.digest()).decode()


def kind(path):
    """Return "file", "folder" or None."""
    try:
        return "folder" if os.stat(path)[0] & DIRECTORY else "file"
    except OSError:
        return None


def listing(arguments):
    """Return [name, is_folder, size_bytes] of each entry of a folder, None if there is none."""
    path = arguments["path"]
    if kind(path) != "folder":
        return None
    return [entry(path, found) for found in os.ilistdir(path)]


def entry(folder, found):
    """Return one row of a listing."""
    is_folder = bool(found[1] & DIRECTORY)
    size_bytes = 0
    if not is_folder:
        size_bytes = found[3] if len(found) > 3 else os.stat(join(folder, found[0]))[6]
    return [found[0], is_folder, size_bytes]


def join(folder, name):
    """Return the path of `name` in `folder`."""
    return folder + name if folder.endswith("/") else folder + "/" + name


def make_folders(arguments):
    """Make a folder and those above it, where they are not yet."""
    made = ""
    for part in arguments["path"].split("/"):
        made = join(made, part) if made or not part else part
        if part and kind(made) is None:
            os.mkdir(made)
    return True


def move(arguments):
    """Put a file in another's place: in one step where the filesystem can."""
    try:
        os.rename(arguments["source"], arguments["target"])
    except OSError:
        if kind(arguments["target"]) != "file":
            raise
        os.remove(arguments["target"])  # FAT renames over nothing
        os.rename(arguments["source"], arguments["target"])
    return True


def remove(arguments):
    """Remove a file, or a folder with all below it; returns how many entries went."""
    path = arguments["path"]
    what = kind(path)
    if what is None:
        return 0
    if what == "file":
        os.remove(path)
        return 1
    count = 0
    for found in list(os.ilistdir(path)):
        count += remove({"path": join(path, found[0])})
    os.rmdir(path)
    return count + 1


ACTIONS = {
    "hash": hashes,
    "list": listing,
    "mkdir": make_folders,
    "move": move,
    "remove": remove,
}
