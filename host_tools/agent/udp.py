"""Frames over UDP from a computer: to every network it is in, or to named peers only.

Boards broadcast to their subnet's address on port 47477 and take a frame by the target in its
header; a computer does the same on each of its interfaces, loopback included, where virtual boards
live. Named peers get each frame by unicast instead, across routers too.
"""

import errno
import fcntl
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Sequence

from cma_toolkit.firmware.kernel.codec.frame import read_source
from cma_toolkit.firmware.kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from cma_toolkit.host_tools.errors import no_device, usage

PORT = 47477
Peer = tuple[str, int]
_SENT_KEPT = 256  # of our own frames, by which an echo is known
_LOOK_AGAIN_S = 30.0  # networks come and go while an agent runs
_ADDRESS, _NETMASK = 0x8915, 0x891B  # SIOCGIFADDR, SIOCGIFNETMASK of Linux
_ANYWHERE = ("255.255.255.255", "127.255.255.255")


class UdpLink:
    """One socket; `buffer` holds the frame that `receive` tells of."""

    name = "udp"

    def __init__(self, node: int, port: int, peers: Sequence[Peer]) -> None:
        self.buffer = bytearray(FRAME_BYTES_MAX + 1)  # one too many: it is seen to be too long
        self._node = node
        self._port = port
        self._peers = list(peers)
        self._targets: list[Peer] = []
        self._looked_at_s = -_LOOK_AGAIN_S
        self._sent: deque[bytes] = deque(maxlen=_SENT_KEPT)
        self.has_twin = False  # another agent sends under our node id
        self._socket = self._open()

    def _open(self) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        if not self._peers:
            # All agents of one computer hear the same broadcasts.
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            udp.bind(("0.0.0.0", self._port))
        except OSError as error:
            udp.close()
            raise no_device(
                f"UDP port {self._port} cannot be opened ({error.strerror}): another program has "
                "it; choose another with --port."
            ) from error
        return udp

    def fileno(self) -> int:
        """Return what an event loop watches."""
        return self._socket.fileno()

    def send(self, data: bytes | memoryview) -> bool:
        """Transmit a frame; False if it left on no network."""
        sent = 0
        self._sent.append(bytes(data))
        for target in self._find_targets():
            try:
                self._socket.sendto(data, target)
                sent += 1
            except OSError:  # this network is down, or the peer's host is: others may be reached
                self._looked_at_s = -_LOOK_AGAIN_S
        return sent > 0

    def receive(self) -> int:
        """Return the length of the next frame from another agent, 0 if none waits."""
        while True:
            try:
                length = self._socket.recv_into(self.buffer)
            except BlockingIOError:
                return 0
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:  # a peer that is not there yet
                    continue
                return 0
            if length < HEADER_BYTES or read_source(self.buffer) != self._node:
                return length
            if bytes(self.buffer[:length]) not in self._sent:
                self.has_twin = True
                return length
            # What we broadcast came back.

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _find_targets(self) -> list[Peer]:
        now_s = time.monotonic()
        if now_s - self._looked_at_s >= _LOOK_AGAIN_S:
            self._looked_at_s = now_s
            self._targets = self._peers or [(each, self._port) for each in broadcast_addresses()]
        return self._targets


def broadcast_addresses() -> list[str]:
    """Return the broadcast address of each network that this computer is in."""
    if sys.platform != "linux":
        return list(_ANYWHERE)
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                address, mask = (_ask(probe, name, what) for what in (_ADDRESS, _NETMASK))
            except OSError:  # an interface without an IPv4 address
                continue
            found.append(socket.inet_ntoa(struct.pack(">I", address | ~mask & 0xFFFFFFFF)))
    return found


def _ask(probe: socket.socket, name: str, what: int) -> int:
    answer = fcntl.ioctl(probe, what, struct.pack("256s", name.encode()[:15]))
    number: int = struct.unpack(">I", answer[20:24])[0]
    return number


def parse_peer(text: str) -> Peer:
    """Return the address of a peer that a person typed as HOST or HOST:PORT.

    Raises: CmaError for one that is no address, or a name that nobody knows.
    """
    host, colon, port_text = text.rpartition(":")
    if not colon:
        host, port_text = text, str(PORT)
    if not host or not port_text.isdigit() or not 0 < int(port_text) < 65536:
        raise usage(f"--peer {text}: write HOST or HOST:PORT, such as 192.168.1.20:{PORT}.")
    try:
        return socket.gethostbyname(host), int(port_text)
    except OSError as error:
        raise no_device(
            f"--peer {text}: nobody knows the host {host} ({error.strerror}); name its address."
        ) from error
