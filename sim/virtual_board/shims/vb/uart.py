"""`machine.UART`: a wire to another board, or from TX to RX of the same pin number.

The owner names two unix datagram sockets for a UART that is wired: ours and the other board's.
Speed is not modelled; the other end's buffer is (`rxbuf`).
"""

import io
import socket
import struct

from vb import config

_DATAGRAM_BYTES = 1024
_POLL = 3
_READABLE, _WRITABLE = 1, 4


def _address(path):
    return struct.pack("<H", socket.AF_UNIX) + path.encode() + b"\0"


class UART(io.IOBase):
    """A serial port of the chip."""

    INV_TX, INV_RX, INV_RTS, INV_CTS = 4, 32, 64, 8
    RTS, CTS = 1, 2

    def __init__(self, id, baudrate=115200, **options):
        if id == 0:
            raise OSError(1)  # the console's
        self._id = id
        self._received = bytearray()
        self._wire = None
        self._peer = None
        self._is_loop = False
        self._capacity = 256
        self.init(baudrate, **options)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, **options):
        """Set up the port."""
        self._is_loop = tx is not None and tx == rx
        self._capacity = options.get("rxbuf", self._capacity)
        wire = config.get("wires", {}).get(str(self._id))
        if wire and self._wire is None:
            own, peer = wire
            self._wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._wire.bind(_address(own))
            self._wire.setblocking(False)
            self._peer = _address(peer)

    def deinit(self):
        """Let the port go."""
        if self._wire:
            self._wire.close()
            self._wire = None

    def any(self):
        """Return how many bytes can be read."""
        self._receive()
        return len(self._received)

    def read(self, size=-1):
        """Return bytes, None if there are none."""
        self._receive()
        if not self._received:
            return None
        if size < 0:
            size = len(self._received)
        data = bytes(self._received[:size])
        self._received = self._received[size:]
        return data

    def readinto(self, buffer, size=-1):
        """Fill a buffer; return how much, None if there is nothing."""
        data = self.read(len(buffer) if size < 0 else min(size, len(buffer)))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def readline(self):
        """Return a line, None if there is nothing."""
        self._receive()
        end = self._received.find(b"\n")
        return self.read(end + 1 if end >= 0 else -1)

    def write(self, data):
        """Send; what the other end does not take in time is lost, as on a wire."""
        if self._is_loop:
            self._take(data)
        elif self._wire:
            for at in range(0, len(data), _DATAGRAM_BYTES):
                try:
                    self._wire.sendto(bytes(data[at : at + _DATAGRAM_BYTES]), self._peer)
                except OSError:
                    break  # nobody there, or full
        return len(data)

    def flush(self):
        """Do nothing: everything is sent."""

    def txdone(self):
        """Say that everything is sent."""
        return True

    def ioctl(self, request, argument):
        """Tell whether it can be read or written."""
        if request != _POLL:
            return 0
        ready = _READABLE if self.any() else 0
        return (ready | _WRITABLE) & argument

    def _take(self, data):
        room = self._capacity - len(self._received)
        self._received += bytes(data)[:room]

    def _receive(self):
        while self._wire:
            try:
                data = self._wire.recv(_DATAGRAM_BYTES)
            except OSError:
                return
            self._take(data)
