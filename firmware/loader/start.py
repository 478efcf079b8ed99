"""What boot.py and main.py do: choose a slot, put its image at /rom, and run it.

MicroPython mounts this loader at /rom. It is written by a cable only, and no code that decides
which image runs is anywhere else. From then on the image is at /rom, in its place.
"""

import sys

_OURS = ("loader", "kernel", "device")
_THIS = ("loader", "loader.start")  # main.py asks for it again
_PAUSE_MS = 10_000  # before a reset: a person can get in
_TRIAL = 8  # as in `loader.mark`, which is not here any more when it is needed
_bits = None  # of the mark, once an image is in its place


def prepare():
    """Mount the user's filesystem and the image of a good slot; keep a watchdog fed.

    Raises: SystemExit, a soft reset, once the slots were looked at: the heap is whole again then.
    """
    global _bits
    try:
        from loader import choosing, mounting
    except ImportError:
        return  # whoever calls it again: the image is in the loader's place already
    # The slot last: its image takes away what the others load from here.
    for step in (
        choosing.look_if_due,
        mounting.mount_user,
        mounting.feed_watchdog,
        choosing.mount_slot,
    ):
        try:
            _bits = step()
        except Exception as error:  # noqa: BLE001 - the boot goes on, and the reason is shown
            _bits = None
            print("cma: a step of the start failed:")
            sys.print_exception(error)
    if _bits is not None:
        _make_room()


def run():
    """Run the agent of the image, or get a release if no slot has a good one or one is wanted."""
    if _bits is None:
        from loader import choosing, updating

        updating.run(choosing.to_update[0] if choosing.to_update else None)
        return
    try:
        # By its name, as it is the image's: the loader has no such module.
        agent = __import__("device.start", None, None, ("run",))
    except (ImportError, ValueError, MemoryError) as error:
        if not _bits & _TRIAL:
            raise
        import time

        import machine

        print("cma: the release does not load; starting anew in 10 s")
        sys.print_exception(error)
        time.sleep_ms(_PAUSE_MS)
        machine.reset()
    agent.run()


def _make_room():
    """Forget the loader's modules: the image has others of the same names."""
    for name in list(sys.modules):
        if name.split(".")[0] in _OURS and name not in _THIS:
            del sys.modules[name]
            package, _, module = name.rpartition(".")
            if package in _THIS:
                delattr(sys.modules[package], module)
