"""The production line: which board is new, which name is done, what a person is told. Pure.

Input    on_ports(ports), on_passed(…), on_failed(…), on_known(…)
Effects  out.work(ports), out.say(line), out.finish()

What is done lies in the fleet database, so a station that is stopped goes on where it was. A board
that failed is tried again when it is plugged in again.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

PASS = "PASS"
FAIL = "FAIL"


class Out(Protocol):
    """What carries a station's effects out."""

    def work(self, ports: Sequence[str]) -> None:
        """Flash, test, name and label the boards at these ports."""

    def say(self, line: str) -> None:
        """Tell a person."""

    def finish(self) -> None:
        """Stop: every line of the inventory has its board."""


class Station:
    """The state of one production line: the names to give, and the ports as last seen.

    `waiting` are names that an earlier run began with a board that is not finished.
    """

    def __init__(
        self, names: Sequence[str], done: Iterable[str], waiting: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._names = list(names)
        self._done = set(done) & set(names)
        self._waiting = [(name, mac) for name, mac in waiting if name in self._names]
        self._ports: set[str] = set()
        self._busy: set[str] = set()

    @property
    def done_count(self) -> int:
        """Return how many names have their board."""
        return len(self._done)

    def start(self, out: Out) -> None:
        """Say where the line stands; finish at once if nothing is left to do."""
        for name, mac in self._waiting:
            out.say(f"{name} is half done: plug {mac} in again, or free its name with --release")
        if not self._finish_if_complete(out):
            out.say(f"{self._left()} to do; plug in a board, Ctrl-C ends")

    def on_ports(self, ports: Iterable[str], out: Out) -> None:
        """Begin with each board that was not there a moment ago."""
        seen = list(dict.fromkeys(ports))
        fresh = [port for port in seen if port not in self._ports and port not in self._busy]
        self._ports = set(seen)
        if fresh:
            self._busy |= set(fresh)
            out.work(fresh)

    def on_passed(
        self, port: str, name: str, chip: str, seconds: float, out: Out, *, labelled: bool = True
    ) -> None:
        """Count a board whose name is proven, whether or not its label could be saved."""
        self._busy.discard(port)
        self._done.add(name)
        label = "label saved" if labelled else "NO LABEL"
        then = "next board" if self._names_left() else "that was the last"
        count = f"[{self.done_count}/{len(self._names)}]"
        out.say(f"{count} {name} {chip} {PASS} {seconds:.0f} s; {label}; {then}")
        self._finish_if_complete(out)

    def on_known(self, port: str, name: str, out: Out) -> None:
        """Leave a board in peace that had passed before."""
        self._busy.discard(port)
        self._done.add(name)
        out.say(f"{name} at {port} has passed already; next board")
        self._finish_if_complete(out)

    def on_failed(self, port: str, who: str, reason: str, out: Out) -> None:
        """Name what is wrong; the board may be plugged in again."""
        self._busy.discard(port)
        out.say(f"[{self.done_count}/{len(self._names)}] {who or port} {FAIL}: {reason}")

    def _names_left(self) -> int:
        return len(self._names) - self.done_count

    def _left(self) -> str:
        count = self._names_left()
        return f"{count} board{'s' if count != 1 else ''}"

    def _finish_if_complete(self, out: Out) -> bool:
        if self._names_left():
            return False
        out.say(f"all {len(self._names)} boards of the inventory are done")
        out.finish()
        return True
