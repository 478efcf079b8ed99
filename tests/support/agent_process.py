"""An agent as a real process: `cma agent run`, its records to wait for."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

WITHIN_S = 20.0

Fields = dict[str, Any]


def command(*arguments: str) -> list[str]:
    """Return what starts `cma agent run`."""
    return [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "agent", "run", *arguments]


class AgentProcess:
    """One running agent; what it prints is read as it comes."""

    def __init__(self, folder: Path, app: str, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(app)
        self.seen: list[Fields] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command("app.py", "--output", "json", *arguments),
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self, wanted: Callable[[Fields], object]) -> Fields:
        """Return the first record that is wanted and was not waited for; fail after WITHIN_S."""
        until_s = time.monotonic() + WITHIN_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not reported; seen {self.seen[-5:]}") from None
            if line is None:
                raise AssertionError(f"it ended: {self.end()}; seen {self.seen[-5:]}")
            self.seen.append(json.loads(line))
            if wanted(self.seen[-1]):
                return self.seen[-1]

    def wait_event(self, event: str) -> Fields:
        """Return the next event of that name."""
        return self.wait(lambda fields: fields.get("event") == event)

    def wait_app(self, what: str) -> Any:
        """Return the value of the next `agent.report` of that name."""
        return self.wait(lambda fields: fields.get("what") == what)["value"]

    def ask(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; return its exit code and what it said on standard error."""
        if self._process.poll() is None:
            self.ask(number)
        code = self._process.wait(WITHIN_S)
        self._reader.join()
        assert self._process.stderr and self._process.stdout
        with self._process.stderr as errors, self._process.stdout:
            return code, "" if errors.closed else errors.read()

    def kill(self) -> None:
        """Take its power."""
        self._process.kill()
        self._process.wait(WITHIN_S)

    def __enter__(self) -> "AgentProcess":
        """Use it in a `with`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, however the test ended."""
        self.kill()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
