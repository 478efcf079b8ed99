"""An application's folder, and `cma` at work in it, read line by line."""

import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.stock_board import environment

APP = """
def setup(agent):
    print("version {version} starts")
"""


def write_app(folder: Path, version: int) -> None:
    """Save an application that says its version when it starts, as an editor does."""
    fresh = folder / "app.py.saved"
    fresh.write_text(APP.format(version=version))
    fresh.replace(folder / "app.py")


class RunningCommand:
    """`cma …` in a process of its own; its lines can be waited for."""

    def __init__(self, *words: str, folder: Path, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "cma_toolkit.host_tools.cli.main", *words],
            cwd=folder,
            env=environment(folder, home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.shown: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the command if the test did not."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout
        self._process.stdout.close()

    def wait_for(self, text: str, timeout_s: float = 30.0) -> str:
        """Return the next line with `text` in it."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"no {text!r} in {self.shown}"
            try:
                line = self._lines.get(timeout=left_s)
            except queue.Empty:
                continue
            self.shown.append(line)
            if text in line:
                return line

    def press_ctrl_c(self) -> int:
        """Interrupt the command and return its exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)

    def wait(self, timeout_s: float = 60.0) -> int:
        """Return the exit code once the command ended by itself."""
        return self._process.wait(timeout_s)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.decode(errors="replace"))
