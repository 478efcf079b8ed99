"""Take code that a host lends, and mount it from memory; a soft reset forgets it."""

import binascii
import sys

PLACE = "/lent"


def run(arguments):
    """Do `arguments["do"]`: begin, put or mount."""
    return ACTIONS[arguments["do"]](arguments)


def begin(arguments):
    """Make room for it, and forget what was lent before."""
    import gc

    import vfs

    if PLACE in sys.path:
        sys.path.remove(PLACE)
        vfs.umount(PLACE)
    for name in list(sys.modules):
        if name.split(".")[0] == PLACE[1:]:
            del sys.modules[name]
    globals()["lent_image"] = None
    gc.collect()
    globals()["lent_image"] = bytearray(arguments["size"])
    return True


def put(arguments):
    """Take a part of it."""
    data = binascii.a2b_base64(arguments["data"])
    globals()["lent_image"][arguments["at"] : arguments["at"] + len(data)] = data
    return True


def mount(arguments):
    """Let imports find it, before all else of its name."""
    import vfs

    vfs.mount(vfs.VfsRom(globals()["lent_image"]), PLACE)
    sys.path.insert(0, PLACE)
    return True


ACTIONS = {"begin": begin, "put": put, "mount": mount}
