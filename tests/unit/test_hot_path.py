"""A frame costs no heap, from the link to the application and from the application to the link."""

import sys

from support.hot_path import bytes_of, paths


def test_no_frame_allocates():
    count = 0
    for name, path, step, what in paths():
        cost_bytes = bytes_of(path, step, what)
        # CPython's objects are all on the heap: there the paths are merely run.
        assert cost_bytes == 0 or sys.implementation.name != "micropython", (name, cost_bytes)
        count += 1
    assert count == 9
