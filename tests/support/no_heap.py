"""Have one allocation fail, the same on both runtimes: what a heap with no room does."""

import builtins


class Failing:
    """Make one call of a builtin inside a `with` a MemoryError, the others are as ever.

    `call` counts from 1; a heap that is full for longer fails `calls` of them in a row.
    """

    def __init__(self, name, call=1, calls=1):
        self.count = 0  # of the calls that failed
        self._name = name
        self._first, self._end = call, call + calls
        self._seen = 0

    def __enter__(self):
        """Take the builtin's place."""
        self._real = real = getattr(builtins, self._name)
        me = self

        class Stand:  # a class, for a builtin that is one is asked about with isinstance
            def __new__(cls, *arguments, **named):
                me.step()
                return real(*arguments, **named)

        setattr(builtins, self._name, Stand)
        return self

    def step(self):
        """Fail if it is this call's turn."""
        self._seen += 1
        if self._first <= self._seen < self._end:
            self.count += 1
            raise MemoryError

    def __exit__(self, kind, error, trace):
        """Give it back."""
        setattr(builtins, self._name, self._real)


def out_of_heap(*_arguments):
    """Stand in for a method that finds no heap."""
    raise MemoryError
