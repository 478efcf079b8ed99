"""`socket` as an ESP32 has it: addresses are tuples, in both directions.

The bytes go through the host's own sockets, so a board reaches what its computer reaches.
"""

import socket

from vb.modules import Module, public_names

_make = socket.socket


def _host_address(address):
    """Return what the unix port wants: a sockaddr."""
    if isinstance(address, tuple):
        return socket.getaddrinfo(address[0], address[1])[0][-1]
    return address


def _board_address(address):
    """Return what a board gives: (host, port)."""
    if not isinstance(address, (bytes, bytearray)):
        return address
    parts = socket.sockaddr(address)
    return (socket.inet_ntop(parts[0], parts[1]), parts[2])


def getaddrinfo(host, port, *rest):
    """Return [(family, type, protocol, name, (host, port))]."""
    found = socket.getaddrinfo(host, port, *rest)
    return [tuple(each[:4]) + (_board_address(each[4]),) for each in found]


class Socket:
    """`socket.socket`."""

    def __init__(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0, _host=None):
        self._vb_stream = _host or _make(family, kind, protocol)
        for name in _SAME:
            setattr(self, name, getattr(self._vb_stream, name))

    def bind(self, address):
        """Bind to an address."""
        self._vb_stream.bind(_host_address(address))

    def connect(self, address):
        """Connect to an address."""
        self._vb_stream.connect(_host_address(address))

    def sendto(self, data, address):
        """Send a datagram."""
        return self._vb_stream.sendto(data, _host_address(address))

    def recvfrom(self, size):
        """Return a datagram and who sent it."""
        data, address = self._vb_stream.recvfrom(size)
        return data, _board_address(address)

    def accept(self):
        """Return a connection and who made it."""
        connection, address = self._vb_stream.accept()
        return Socket(_host=connection), _board_address(address)

    def setsockopt(self, level, option, value):
        """Set an option; a board's own numbers of it are translated."""
        self._vb_stream.setsockopt(level, option, value)

    def makefile(self, *_):
        """Return the socket: it is its own stream."""
        return self

    def __enter__(self):
        """Use it in a `with`."""
        return self

    def __exit__(self, *_):
        """Close it."""
        self.close()


_SAME = (
    "close",
    "fileno",
    "listen",
    "read",
    "readinto",
    "readline",
    "recv",
    "send",
    "sendall",
    "setblocking",
    "settimeout",
    "write",
)

module = Module("socket").take(socket, public_names(socket))
module.socket = Socket
module.getaddrinfo = getaddrinfo
for _hidden in ("sockaddr", "AF_UNIX"):
    delattr(module, _hidden)
