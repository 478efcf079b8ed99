"""How much heap a piece of code takes, on both runtimes."""

import gc

try:
    from micropython import heap_lock, heap_unlock

    tracemalloc = None
except ImportError:  # CPython has no such lock: there the code is merely run
    import tracemalloc

    def heap_lock():
        """Stand in."""

    heap_unlock = heap_lock


class no_allocation:  # noqa: N801 - used as a statement
    """Make every allocation inside a `with` a MemoryError, where MicroPython can tell."""

    def __enter__(self):
        """Lock the heap; return whether there is a lock."""
        heap_lock()
        return tracemalloc is None

    def __exit__(self, kind, error, trace):
        """Unlock it, whatever happened."""
        heap_unlock()


class crowded:  # noqa: N801 - used as a statement
    """Leave no piece of heap of so many bytes inside a `with`, where a heap has an end."""

    def __init__(self, size_bytes):
        self._size_bytes = size_bytes
        self._taken = None

    def __enter__(self):
        """Take every such piece; return whether that is done."""
        if tracemalloc:
            return False
        try:
            while True:
                self._taken = (self._taken, bytearray(self._size_bytes))
        except MemoryError:
            return True

    def __exit__(self, kind, error, trace):
        """Give them back."""
        self._taken = None
        gc.collect()


def bytes_taken(function, *arguments):
    """Return how many bytes a call had taken at most, and what it returned.

    MicroPython counts all that was allocated, garbage too; CPython the peak of what lived.
    """
    if tracemalloc:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        result = function(*arguments)
        taken = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        return taken, result
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    result = function(*arguments)
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken, result
