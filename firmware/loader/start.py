"""What boot.py and main.py do: choose a slot, put its image at /rom, and run it.

MicroPython mounts this loader at /rom. It is written by a serial cable only, and no code that
decides which image runs is anywhere else. From then on the image is at /rom, in its place.
"""

import sys

_OURS = ("loader", "kernel", "device")
_THIS = ("loader", "loader.start")  # main.py asks for it again


def prepare():
    """Mount the image of a good slot and the user's filesystem; keep a watchdog fed."""
    try:
        from loader import choosing, mounting
    except ImportError:
        return  # whoever calls it again: the image is in the loader's place already
    # The slot last: its image takes away what the others load from here.
    for step in (mounting.mount_user, mounting.feed_watchdog, choosing.mount_slot):
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the boot goes on, and the reason is shown
            print("cma: this step of the start-up failed, and is left out:")
            sys.print_exception(error)
    # What an image has under the same names is found only then, and this makes room for it.
    for name in list(sys.modules):
        if name.split(".")[0] in _OURS and name not in _THIS:
            del sys.modules[name]
            package, _, module = name.rpartition(".")
            if package in _THIS:
                delattr(sys.modules[package], module)


def run():
    """Run the agent of the image, or listen for a release if no slot has a good one."""
    # By its name, as it is the image's: the loader has no such module.
    __import__("device.start", None, None, ("run",)).run()
