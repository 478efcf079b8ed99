"""Hear what several boards print at once: a thread per port, one queue of what they said."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.serial_port import open_serial

READ_S = 0.1
RETRY_S = 0.5
QUEUE_ITEMS_MAX = 10_000


@dataclass(frozen=True)
class Heard:
    """Bytes that a board printed, or news of its port: gone, back."""

    port: Port
    data: bytes = b""
    news: str = ""


class Listeners:
    """Listen to all ports for as long as the block lasts.

    A port that goes away (a sleeping board on native USB, an unplugged cable) is waited for.
    """

    def __init__(self, ports: Sequence[Port], *, wait_s: float = 0.0) -> None:
        self._ports = ports
        self._wait_s = wait_s
        self._stopping = threading.Event()
        self._heard: queue.Queue[Heard | CmaError] = queue.Queue(QUEUE_ITEMS_MAX)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Open every port.

        Raises: CmaError if one does not open in time, before any is listened to.
        """
        opened: list[Any] = []
        try:
            for port in self._ports:
                opened.append(self._open(port))
        except BaseException:
            for line in opened:
                line.close()
            raise
        for port, line in zip(self._ports, opened, strict=True):
            thread = threading.Thread(target=self._listen, args=(port, line), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every port."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def hear(self, timeout_s: float) -> Iterator[Heard]:
        """Yield what was heard, after at most `timeout_s` of silence."""
        try:
            item = self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return
        while True:
            if isinstance(item, CmaError):
                raise item
            yield item
            try:
                item = self._heard.get_nowait()
            except queue.Empty:
                return

    def _open(self, port: Port) -> Any:
        tries = 1 + int(self._wait_s / RETRY_S)
        for left in reversed(range(tries)):
            try:
                return open_serial(port.url, timeout_s=READ_S)
            except CmaError:
                if not left:
                    raise
                self._stopping.wait(RETRY_S)
        raise AssertionError

    def _listen(self, port: Port, line: Any) -> None:
        while not self._stopping.is_set():
            try:
                data = bytes(line.read(max(1, line.in_waiting)))
            except OSError:
                line.close()
                self._tell(Heard(port, news="went away; waiting for it"))
                line = self._reopen(port)
                if line is None:
                    return
                self._tell(Heard(port, news="is back"))
                continue
            if data:
                self._tell(Heard(port, data))
        line.close()

    def _reopen(self, port: Port) -> Any:
        while not self._stopping.wait(RETRY_S):
            try:
                return open_serial(port.url, timeout_s=READ_S)
            except CmaError:
                continue  # not back yet
        return None

    def _tell(self, heard: Heard) -> None:
        while not self._stopping.is_set():
            try:
                self._heard.put(heard, timeout=RETRY_S)
            except queue.Full:
                continue  # whoever reads is slow: the board's driver buffers meanwhile
            return
