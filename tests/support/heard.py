"""A machine, and all that it was told: to be told again, elsewhere."""

from typing import Any


class Heard:
    """A machine, and the lines of all that it was told."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self.lines: list[str] = []

    def start(self, now_ms: int, out: Any) -> None:
        """Note it and pass it on."""
        self.lines.append(f"{now_ms} start")
        self._machine.start(now_ms, out)

    def on_frame(  # noqa: PLR0917 - as the machine's own
        self, now_ms: int, link: int, buffer: bytes, length: int, rssi_dbm: int, out: Any
    ) -> None:
        """Note it and pass it on."""
        self.lines.append(f"{now_ms} {buffer[:length].hex()}")
        self._machine.on_frame(now_ms, link, buffer, length, rssi_dbm, out)

    def on_time(self, now_ms: int, out: Any) -> None:
        """Note it and pass it on."""
        self.lines.append(str(now_ms))
        self._machine.on_time(now_ms, out)

    def next_wake_at_ms(self) -> int:
        """Pass it on."""
        at_ms: int = self._machine.next_wake_at_ms()
        return at_ms
