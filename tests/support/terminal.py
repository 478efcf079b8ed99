"""A program in a terminal of its own, for tools that speak only to people."""

import os
import pty
import select
import subprocess
import sys
import time
from types import TracebackType

EXPECT_TIMEOUT_S = 20.0


class Terminal:
    """Run `python -m TOOL …` in a pseudo-terminal; type into it and wait for what it shows."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._program = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._shown = b""

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def expect(self, text: str, timeout_s: float = EXPECT_TIMEOUT_S) -> str:
        """Wait until `text` is shown and return all that came with it."""
        wanted = text.encode()
        until = time.monotonic() + timeout_s
        while wanted not in self._shown:
            left_s = until - time.monotonic()
            assert left_s > 0 and self._read(left_s), f"no {text!r} in {self._shown!r}"
        before, _, self._shown = self._shown.partition(wanted)
        return (before + wanted).decode(errors="replace")

    def wait(self) -> int:
        """Wait for the program's end and return its exit code."""
        until = time.monotonic() + EXPECT_TIMEOUT_S
        while self._read(max(0.0, until - time.monotonic())):
            pass
        return self._program.wait(EXPECT_TIMEOUT_S)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._master)

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._master], [], [], timeout_s)[0]:
            return False
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the program has closed its terminal
            return False
        self._shown += chunk
        return bool(chunk)
