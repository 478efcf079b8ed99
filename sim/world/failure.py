"""What a run says when it fails, alike in one process and in many. CPython only."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from cma_toolkit.sim.world.hang import HangError, HangWatch, is_of_application

# How a part of a world failed; of what happened in one millisecond, the least counts.
REFUSED, CRASHED, VIOLATED = range(3)


class FailedError(Exception):
    """A part of a world failed: the text is that of the failure, `traceback` where it was."""

    def __init__(self, text: str, told: str) -> None:
        super().__init__(text)
        self.traceback = told


def crash(error: Exception) -> FailedError:
    """Return what is said of an exception of the code under test, and of its place."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    file = "/".join(last.filename.split("/")[-2:])
    text = str(error)
    told = f"{type(error).__name__}{': ' + text if text else ''} in {file}:{last.lineno}"
    return FailedError(told, "".join(traceback.format_exception(error)))


@contextmanager
def told_of_hangs(app: str) -> Iterator[None]:
    """Run a world in the block; an application that never returns there ends it.

    Raises: FailedError, which says where it hung.
    """
    watch = HangWatch(app)
    try:
        with watch:
            yield
    except HangError as error:
        raise hang(watch.problem, app, error) from None


def hang(problem: str, app: str, error: BaseException) -> FailedError:
    """Return what is said of an application that never returned: its own lines alone."""
    lines = traceback.extract_tb(error.__traceback__)
    frames = traceback.walk_tb(error.__traceback__)
    own = [
        line
        for line, (frame, _) in zip(lines, frames, strict=True)
        if is_of_application(frame, app)
    ]
    return FailedError(problem, "".join(traceback.format_list(own)))
