"""From an image in its place to a running agent, and back to the prompt.

Whatever the application does, the prompt stays within reach: Ctrl-C ends everything, a board
listens before it starts and before it sleeps, and after repeated crashes the application is left
out. All but these few lines is imported where it is needed: an image forgets it then.
"""

import gc
import io
import sys
import time

_INTERRUPTS_MAX = 5  # that an orderly end survives; whoever sends more wants no order
# Of the heap: what may be allocated between two collections. Small objects that stay are then
# placed low instead of everywhere, and a large one finds room.
_COLLECT_PART = 16
_COLLECT_BYTES_MIN = 4096
_PAUSE_MS = 10_000  # before a reset that nothing else could prepare: a person can get in
_FEED_MS = 500  # a quarter of the shortest watchdog


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


def text_of(where, error, size_bytes):
    """Return the end of an exception's traceback, which says most, as bytes.

    It is here because it is called when the heap may be full: nothing is to be loaded then.
    Shape: at most `size_bytes`.
    """
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        data = (where + ": " + text.getvalue()).encode()
    except MemoryError:
        data = where.encode() + b": MemoryError"
    return data[max(0, len(data) - size_bytes) :]


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
        try:
            sys.print_exception(error)  # first: whatever else fails, a person sees the cause
            from device import ending

            ending.tell(error, loop)
        except Exception as another:  # noqa: BLE001 - no memory, a damaged image: a reset may mend it
            sys.print_exception(another)
            _pause(loop)
    except KeyboardInterrupt:
        if loop:
            loop.watchdog.keep_fed()
        print("cma: agent stopped; Ctrl-D starts it again")
        return
    import machine

    machine.reset()


def _pause(loop):
    print("cma: the board starts anew in %d s, Ctrl-C stops it" % (_PAUSE_MS // 1000))
    for _ in range(_PAUSE_MS // _FEED_MS):
        if loop:
            loop.watchdog.feed()
        time.sleep_ms(_FEED_MS)
