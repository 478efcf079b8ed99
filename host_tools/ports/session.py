"""A session with MicroPython on one board: scripts, files, resets, its console."""

import binascii
import contextlib
import hashlib
import importlib.resources
import json
import re
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cma_toolkit.host_tools.errors import CmaError, ExitCode, no_device, timed_out, verify_failed
from cma_toolkit.host_tools.ports import console, reply
from cma_toolkit.host_tools.ports.files import Entries, Entry

if TYPE_CHECKING:
    from cma_toolkit.host_tools.ports.transport import BoardTransport

CONNECT_S = 10.0
SCRIPT_S = 30.0
BOOT_S = 10.0
RETRY_OPEN_S = 0.25
CHUNK_BYTES = 1024
SOFT_REBOOT = b"soft reboot\r\n"
TEMPORARY_SUFFIX = ".new"
SCRIPTS = "cma_toolkit.host_tools.on_device"
_INCLUDE = re.compile(r"^from on_device\.(\w+) import .*$", re.MULTILINE)

# Without a filesystem at `/` its block size is told as 0. `/user` is the loader's to mount.
_IS_MOUNTED = """
import os
try:
    is_begun = "loader" in os.listdir("/rom")
except OSError:
    is_begun = False
print(bool(os.statvfs("/")[0]) and ("user" in os.listdir("/") or not is_begun))
"""


class ScriptError(CmaError):
    """A script raised on the board; `traceback` is what MicroPython printed."""

    def __init__(self, url: str, name: str, traceback: str) -> None:
        last = traceback.strip().splitlines()[-1] if traceback.strip() else "no word"
        super().__init__(f"{url}: {name} failed on the board: {last}", ExitCode.UNEXPECTED)
        self.traceback = traceback


class BoardSession:
    """Talk to the MicroPython of one board; on leaving, what ran before runs again.

    `wait_s` keeps trying for a board that sleeps or is not plugged in yet.
    """

    def __init__(
        self, url: str, *, wait_s: float = 0.0, connect_s: float = CONNECT_S, resume: bool = True
    ) -> None:
        self.url = url
        self.arrival = console.Arrival()
        self._within_s = max(wait_s, connect_s)
        self._wait_s = wait_s
        self._resume = resume
        self._at_prompt = False
        self._let_run = False
        self._line: BoardTransport | None = None

    def __enter__(self) -> Self:
        """Open the port and reach the prompt.

        Raises: CmaError 3 or 4 that says why there is none.
        """
        self._line = open_patiently(self.url, self._wait_s)
        try:
            self._reach_prompt()
            if self.arrival.boot_broken_off or not self._is_mounted():
                # Our Ctrl-C fell into the start-up, which a board that just woke need not say.
                self._boot()
        except BaseException:
            self._line.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the friendly prompt, or restart `main.py` if it ran, and close the port."""
        assert self._line
        try:
            if not self._let_run:
                # Ctrl-C first: an exception here may have left a script running there.
                interrupt = b"\x03\x03" if error else b""
                self._line.serial.write(interrupt + b"\r\x02")
                if self._resume and self.arrival.was_running:
                    self._line.serial.write(b"\x04")
        except OSError:
            pass  # the board went away; whatever led here is told already
        finally:
            self._line.close()

    def run_script(
        self,
        name: str,
        *,
        timeout_s: float = SCRIPT_S,
        on_output: Callable[[bytes], None] | None = None,
        **arguments: Any,
    ) -> Any:
        """Run `host_tools/on_device/<name>.py` with JSON arguments; returns its JSON reply.

        Raises: ScriptError, CmaError 7 after `timeout_s`, 3 if the board went away, 5 if what it
                answered is damaged.
        """
        source = "\n".join((_script(name), _script("frame"), _call(arguments)))
        output = self._execute(source, name, timeout_s)
        try:
            before, answer = reply.split(output)
        except ValueError as error:
            raise verify_failed(
                f"{self.url}: its answer is damaged. Check its cable and run this again."
            ) from error
        if on_output and before:
            on_output(before)
        if answer == ():
            raise ScriptError(self.url, name, "it sent no reply")
        return answer

    def put(self, path: str, data: bytes, *, skip_equal: bool = True) -> bool:
        """Write a file so that power loss leaves the old or the new one; False if it was equal.

        Raises: CmaError 5 if the board reads back other bytes.
        """
        wanted = hashlib.sha256(data).hexdigest()
        if skip_equal and self.hash(path) == wanted:
            return False
        temporary = path + TEMPORARY_SUFFIX
        with self._talk("write", path):
            assert self._line
            self._line.fs_writefile(temporary, data, chunk_size=CHUNK_BYTES)
        if self.hash(temporary) != wanted:
            raise verify_failed(f"{self.url}: {path} reads back changed. Run the command again.")
        self.run_script("files", do="move", source=temporary, target=path)
        return True

    def get(self, path: str) -> bytes:
        """Read a file.

        Raises: CmaError 2 if there is none.
        """
        with self._talk("read", path):
            assert self._line
            return bytes(self._line.fs_readfile(path, chunk_size=CHUNK_BYTES))

    def list(self, path: str = "/") -> Entries:
        """Return the entries of a folder in order of name; nothing if there is no such folder."""
        rows = self.run_script("files", do="list", path=path) or []
        return sorted((Entry(*row) for row in rows), key=lambda entry: entry.name)

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder of that path."""
        return self.run_script("files", do="list", path=path) is not None

    def hash(self, path: str) -> str | None:
        """Return the SHA-256 of a file in hexadecimal, None if there is none."""
        return self.hashes([path])[path]

    def hashes(self, paths: Sequence[str]) -> dict[str, str | None]:
        """Return the SHA-256 of each path, in one round trip."""
        found: dict[str, str | None] = self.run_script("files", do="hash", paths=[*paths])
        return found

    def mkdir(self, path: str) -> None:
        """Make a folder and those above it, where they are not yet."""
        self.run_script("files", do="mkdir", path=path)

    def remove(self, path: str) -> int:
        """Remove a file, or a folder with all below it; returns how many entries went."""
        return int(self.run_script("files", do="remove", path=path))

    def soft_reset(self, *, run_main: bool = True, timeout_s: float = CONNECT_S) -> None:
        """Restart the interpreter: into `main.py`, or to a fresh prompt without it.

        After `run_main` the board runs; `console` reads what it prints.
        Raises: CmaError 7 if the board does not restart.
        """
        self._require_prompt()
        assert self._line
        with self._talk("soft reset", self.url):
            self._line.read_until(1, b">")
            self._line.serial.write(b"\r\x02\x04" if run_main else b"\x04")
            # A raw prompt survives the reset. To ask for it would interrupt boot.py.
            for sign in (SOFT_REBOOT,) if run_main else (SOFT_REBOOT, console.RAW_BANNER):
                if not self._line.read_until(1, sign, timeout_overall=timeout_s).endswith(sign):
                    self._at_prompt = False
                    raise timed_out(
                        f"{self.url}: no soft reset in {timeout_s:.0f} s. Press its reset button."
                    )
            self._at_prompt, self._let_run = not run_main, run_main

    def hard_reset(self) -> None:
        """Reset the board as its button does; on native USB its port goes away for a moment."""
        self._require_prompt()
        assert self._line
        with self._talk("reset", self.url):
            self._line.exec_raw_no_follow("import machine\nmachine.reset()")
        self._at_prompt, self._let_run = False, True

    def console(self, timeout_s: float) -> bytes:
        """Return what the running board printed, after at most `timeout_s`; empty if nothing."""
        assert self._line
        try:
            return self._line.serial.read_some(timeout_s)
        except OSError as error:
            raise _went_away(self.url) from error

    def _reach_prompt(self) -> None:
        assert self._line
        try:
            arrival = console.reach_prompt(self._line.serial, self.url, self._within_s)
        except OSError as error:
            raise _went_away(self.url) from error
        self.arrival.was_running |= arrival.was_running
        self.arrival.boot_broken_off = arrival.boot_broken_off
        self.arrival.tries = arrival.tries
        self._line.in_raw_repl = self._at_prompt = True
        self._let_run = False

    def _boot(self) -> None:
        try:
            self.soft_reset(run_main=False, timeout_s=BOOT_S)
        except CmaError as error:
            if error.code is not ExitCode.TIMEOUT:
                raise
            self._reach_prompt()  # its boot.py has no end: whoever asks may be here to remove it

    def _is_mounted(self) -> bool:
        assert self._line
        with self._talk("look", self.url):
            return bool(self._line.exec(_IS_MOUNTED).strip() == b"True")

    def _require_prompt(self) -> None:
        if not self._at_prompt:
            self._reach_prompt()

    def _execute(self, source: str, name: str, timeout_s: float) -> bytes:
        from mpremote.transport import TransportError

        self._require_prompt()
        assert self._line
        with self._talk(name, self.url):
            self._line.exec_raw_no_follow(source)
            try:
                output, failure = self._line.follow(timeout_s)
            except TransportError as error:
                self._at_prompt = False
                raise timed_out(
                    f"{self.url}: {name} did not end in {timeout_s:.0f} s. "
                    "Try again with a longer --timeout."
                ) from error
        if failure:
            raise ScriptError(self.url, name, failure.decode(errors="replace"))
        return bytes(output)

    @contextlib.contextmanager
    def _talk(self, what: str, path: str) -> Iterator[None]:
        # Every failure below this line is a board's or a cable's: name it as one.
        from mpremote.transport import TransportError, TransportExecError

        self._require_prompt()
        try:
            yield
        except TransportExecError as error:
            raise ScriptError(self.url, what, error.error_output) from error
        except TransportError as error:
            raise no_device(
                f"{self.url}: lost the prompt during {what} ({error}). Run the command again."
            ) from error
        except FileNotFoundError as error:
            raise CmaError(f"{self.url} has no file {path}.", ExitCode.USAGE) from error
        except (OSError, struct.error, binascii.Error) as error:
            raise _went_away(self.url) from error


def open_patiently(url: str, wait_s: float) -> "BoardTransport":
    """Open a port, trying for `wait_s` seconds.

    Raises: CmaError 3 that says why it does not open.
    """
    from cma_toolkit.host_tools.ports.transport import BoardTransport

    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            return BoardTransport(url)
        except CmaError:
            # A board on native USB has no port while it sleeps.
            if time.monotonic() >= deadline_s:
                raise
            time.sleep(RETRY_OPEN_S)


def _script(name: str) -> str:
    # A board has no such folder: what a script imports of it is put in place of the import.
    source = (importlib.resources.files(SCRIPTS) / f"{name}.py").read_text()
    return _INCLUDE.sub(lambda found: _script(found[1]), source)


def _call(arguments: dict[str, Any]) -> str:
    return f"reply(run, {json.dumps(arguments)!r})"


def _went_away(url: str) -> CmaError:
    return no_device(f"{url}: the board went away. Plug it in again, then run the command again.")
