"""Keep what takes seconds to make: our firmware as an image holds it.

It lies in the user's cache folder, or in CMA_CACHE, by the digest of all that it was made from, so
that what is old is never taken for new. Whatever is wrong with the folder only costs the time.

Input    sources by path, the function that rewrites them, and whom to tell before it does
Bounds   KEPT_MAX results; the oldest go
"""

import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

KEPT_MAX = 8
FOLDER = "firmware"
WAIT_S = 60.0  # for another process that makes something, which takes it some 20 s
_POLL_S = 0.1

_DIGITS = 32
_REWRITERS = Path(__file__).parent / "shrink"

Sources = Mapping[str, bytes]


def keep(
    sources: Sources,
    make: Callable[[Sources], dict[str, bytes]],
    on_making: Callable[[], None] | None = None,
) -> dict[str, bytes]:
    """Return what `make` returns for these sources, from the folder if it is there.

    `on_making` is called before it is made, or another process is waited for that makes it, and
    not if it is there.
    """
    path = folder() / f"{_digest_of(sources)}.json"
    found = _read(path)
    if found is None:
        if on_making:
            on_making()
        with _alone(path.parent):
            found = _read(path)  # of who was at it just now
            if found is None:
                found = make(sources)
                _write(path, found)
    return found


def folder() -> Path:
    """Return where it lies."""
    from platformdirs import user_cache_path

    root = os.environ.get("CMA_CACHE")
    return (Path(root) if root else user_cache_path("cma", appauthor=False)) / FOLDER


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process make something, where folders can be locked: the others read it then."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ImportError):
            import fcntl

            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            until_s = time.monotonic() + WAIT_S
            while not _is_locked(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)):
                if time.monotonic() >= until_s:
                    break  # whoever has it may be stopped: to make it twice costs time alone
                time.sleep(_POLL_S)
        yield


def _is_locked(lock: Callable[[], object]) -> bool:
    try:
        lock()
    except BlockingIOError:
        return False
    return True


def _digest_of(sources: Sources) -> str:
    digest = sha256(_rewriters())
    for path, text in sorted(sources.items()):
        digest.update(b"%d %d " % (len(path.encode()), len(text)) + path.encode() + text)
    return digest.hexdigest()[:_DIGITS]


@functools.cache
def _rewriters() -> bytes:
    """Return the digest of the code that rewrites, and of the Python that runs it."""
    digest = sha256(sys.version.encode())
    for path in sorted(_REWRITERS.glob("*.py")):
        digest.update(sha256(path.read_bytes()).digest())
    return digest.digest()


def _read(path: Path) -> dict[str, bytes] | None:
    """Return what is kept, None if there is nothing whole."""
    try:
        expected, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if sha256(text).hexdigest().encode() != expected:
        return None
    return {name: source.encode() for name, source in json.loads(text).items()}


def _write(path: Path, found: Mapping[str, bytes]) -> None:
    text = json.dumps({name: source.decode() for name, source in found.items()}).encode()
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # no room, no right: it is made again the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(sha256(text).hexdigest().encode() + b"\n" + text)
        part.replace(path)
        for old in sorted(path.parent.glob("*.json"), key=_age)[:-KEPT_MAX]:
            old.unlink()
    with contextlib.suppress(OSError):
        part.unlink()  # of a disk that was full


def _age(path: Path) -> float:
    return path.stat().st_mtime
