"""What can go wrong for a person, with the exit code they can script against.

Every refusal is one clear sentence that ends with what to do. The codes are part of the interface
and are listed in `docs/exit-codes.md`; a test holds the page to this file.
"""

import errno
from enum import IntEnum

# What a full or read-only disk raises; EFBIG is a limit on file sizes.
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class ExitCode(IntEnum):
    """Exit status of `cma`."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_DEVICE = 3
    REFUSED = 4
    VERIFY_FAILED = 5
    SOME_FAILED = 6
    TIMEOUT = 7
    NEEDS_YES = 8
    INTERRUPTED = 130


class CmaError(Exception):
    """Stop the command with one sentence and an exit code.

    Raise it for what a person, a file or a board caused; anything else is a bug and shows as such.
    """

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def usage(message: str) -> CmaError:
    """Make the error for a wrong file, flag or value."""
    return CmaError(message, ExitCode.USAGE)


def no_device(message: str) -> CmaError:
    """Make the error for a port or board that is absent, silent, busy or ambiguous."""
    return CmaError(message, ExitCode.NO_DEVICE)


def refused(message: str) -> CmaError:
    """Make the error for what would harm: wrong chip, wrong image, a map that does not fit."""
    return CmaError(message, ExitCode.REFUSED)


def verify_failed(message: str) -> CmaError:
    """Make the error for bytes that read back otherwise than written."""
    return CmaError(message, ExitCode.VERIFY_FAILED)


def timed_out(message: str) -> CmaError:
    """Make the error for a board that did not finish in its time."""
    return CmaError(message, ExitCode.TIMEOUT)


def needs_yes(message: str) -> CmaError:
    """Make the error for what would overwrite a user's work without `--yes`."""
    return CmaError(message, ExitCode.NEEDS_YES)


def disk_error(error: OSError) -> CmaError | None:
    """Make the error for a disk that takes no more; None if something else is wrong."""
    if error.errno not in DISK_ERRORS:
        return None
    where = error.filename or "a file of this command"
    return refused(
        f"{where} cannot be written ({error.strerror}). Make room on that disk, or set TMPDIR to "
        "another, then run this again."
    )
