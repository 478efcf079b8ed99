"""A serial port with a ROM loader right behind it, in this process: no supervisor, no waiting."""

from typing import Any

from serial import SerialException
from serial.serialutil import SerialBase

from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import PowerCut


class LoaderPort(SerialBase):  # type: ignore[misc]  # pyserial has no types
    """One open port; the board behind it is always in download mode while it has power."""

    def __init__(self, loader: RomLoader) -> None:
        self._loader = loader
        self._answers = bytearray()
        self._dead = False
        super().__init__()
        self._port = self.name = "virtual://loader"
        self.is_open = True

    @property
    def in_waiting(self) -> int:
        """Return how many bytes have been answered."""
        return len(self._answers)

    def read(self, size: int = 1) -> bytes:
        """Return what is there: everything has been answered already."""
        self._check()
        data = bytes(self._answers[:size])
        del self._answers[:size]
        return data

    def write(self, data: Any) -> int:
        """Let the loader answer."""
        self._check()
        try:
            self._answers += self._loader.feed(bytes(data))
        except PowerCut:
            self._dead = True
            self._check()
        return len(data)

    def reset_input_buffer(self) -> None:
        """Drop what was answered."""
        self._answers.clear()

    def reset_output_buffer(self) -> None:
        """Drop nothing."""

    def close(self) -> None:
        """Close the port."""
        self.is_open = False

    def _check(self) -> None:
        if self._dead:
            raise SerialException("device reports readiness to read but returned no data")

    def _reconfigure_port(self) -> None:
        """Take any setting."""

    def _update_rts_state(self) -> None:
        """Take no reset: the loader runs."""

    def _update_dtr_state(self) -> None:
        """Take no reset: the loader runs."""
