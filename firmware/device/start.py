"""From reset to a running agent, and back to the prompt: what boot.py and main.py do.

Whatever the application does, the prompt stays within reach: Ctrl-C ends everything, a board
listens before it starts and before it sleeps, and after repeated crashes the application is left
out. All but these few lines is imported where it is needed: an image forgets it then.
"""

import gc
import sys

_INTERRUPTS_MAX = 5  # that an orderly end survives; whoever sends more wants no order
# Of the heap: what may be allocated between two collections. Small objects that stay are then
# placed low instead of everywhere, and a large one finds room.
_COLLECT_PART = 16
_COLLECT_BYTES_MIN = 4096


def prepare():
    """Mount the user's filesystem, say where modules are, and keep a watchdog fed."""
    from device import mounting

    mounting.prepare()


def run():
    """Run the agent of this board; return to the prompt when Ctrl-C comes.

    What the agent itself raises is kept over a reset, and the board starts anew.
    """
    loop = None
    gc.collect()
    gc.threshold(max(_COLLECT_BYTES_MIN, gc.mem_free() // _COLLECT_PART))
    try:
        _listen()
        loop = _make_loop()
        loop.run()
    except KeyboardInterrupt:
        _end(loop)
    except BaseException as error:  # noqa: BLE001 - SystemExit of an application, too
        _start_anew(error, loop)


# Functions of their own, as what a name of `run` stood for would stay as long as the agent runs.


def _listen():
    from device import knock

    knock.at_boot()


def _make_loop():
    from device.loop import Loop

    gc.collect()
    return Loop("/user")


def _end(loop):
    """End in order: to the prompt, whoever presses Ctrl-C again meanwhile; tools send it twice."""
    for _ in range(_INTERRUPTS_MAX):
        try:
            if loop:
                loop.watchdog.keep_fed()
                from device import ending

                ending.stop(loop)
            break
        except KeyboardInterrupt:  # the journal stands it at any line: from the beginning again
            pass
        except MemoryError:  # an application that took all memory gives back what it can
            sys.modules.pop("app", None)
            gc.collect()
    print("cma: agent stopped; Ctrl-D starts it again")


def _start_anew(error, loop):
    # An application that took all memory gives it back, or nothing could be told.
    sys.modules.pop("app", None)
    if loop:
        loop.agent = None
    gc.collect()
    try:
        from device import ending

        ending.tell(error, loop)
    except KeyboardInterrupt:
        if loop:
            loop.watchdog.keep_fed()
        print("cma: agent stopped; Ctrl-D starts it again")
        return
    except Exception as another:  # noqa: BLE001 - no memory, no RTC: the reset mends it
        sys.print_exception(another)
    import machine

    machine.reset()
