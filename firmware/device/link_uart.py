"""Frames over a wire: COBS with a CRC, see `kernel.codec.cobs`."""

from machine import UART, Pin

from kernel.codec.cobs import Stuffer, Unstuffer

_RX_BYTES = 1024  # 90 ms at 115,200 baud: more than a poll apart


class UartLink:
    """UART 1 on the pins that the settings `uart_tx` and `uart_rx` name."""

    name = "uart"
    rssi_dbm = 0  # a wire is as good as can be

    def __init__(self, board):
        settings = board.settings
        self._uart = UART(
            1,
            settings.whole("uart_baud", 115_200),
            tx=Pin(settings.whole("uart_tx", -1)),
            rx=Pin(settings.whole("uart_rx", -1)),
            rxbuf=_RX_BYTES,
        )
        self._stuffer = Stuffer()
        self._unstuffer = Unstuffer()
        self._byte = bytearray(1)
        self.buffer = self._unstuffer.frame

    def switch(self, is_on):
        """Stay open: a wire costs nothing that the radio's switch would save."""

    def send(self, buffer, length):
        """Transmit a frame."""
        size = self._stuffer.stuff(buffer, length)
        self._uart.write(memoryview(self._stuffer.buffer)[:size])
        return True

    def receive(self):
        """Have the next whole frame in `buffer`; return its length, 0 if there is none.

        A wire that babbles faster than this reads is left for the next turn.
        """
        for _ in range(_RX_BYTES):
            if not self._uart.any():
                return 0
            self._uart.readinto(self._byte)
            length = self._unstuffer.on_byte(self._byte[0])
            if length:
                return length
        return 0
