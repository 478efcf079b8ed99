"""Frames over Wi-Fi: UDP multicast, for all and for one alike; the frame's target decides.

Unicast would need each neighbour's IP address, and where several boards share one address (virtual
boards do) it reaches only one of them.
"""

import socket

_GROUP = "239.255.67.77"  # administratively scoped (RFC 2365): never leaves the site
_PORT = 47477
_FRAME_BYTES_MAX = 250


class UdpLink:
    """A socket that exists as long as the Wi-Fi is connected."""

    name = "udp"

    def __init__(self, board):
        self._wlan = board.wlan
        self._socket = None
        settings = board.settings
        # A radio that naps between an access point's beacons misses ESP-NOW frames.
        if hasattr(self._wlan, "PM_NONE"):
            self._wlan.config(pm=self._wlan.PM_NONE)
        if not self._wlan.isconnected():
            self._wlan.connect(settings.wifi_ssid, settings.wifi_password)

    def _open(self):
        address = bytes(int(part) for part in _GROUP.split("."))
        own = bytes(int(part) for part in self._wlan.ifconfig()[0].split("."))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind(socket.getaddrinfo("0.0.0.0", _PORT)[0][-1])
        udp.setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), address + own)
        udp.setblocking(False)
        self._target = socket.getaddrinfo(_GROUP, _PORT)[0][-1]
        self._socket = udp

    def _is_up(self):
        if not self._wlan.isconnected():
            self.close()
            return False
        if self._socket is None:
            self._open()
        return True

    def send(self, buffer, length):
        """Transmit a frame; while there is no Wi-Fi, drop it: other links carry it."""
        if self._is_up():
            self._socket.sendto(memoryview(buffer)[:length], self._target)
        return True

    def receive(self):
        """Return the next frame that came, None if there is none; never wait."""
        if not self._is_up():
            return None
        try:
            return self._socket.recv(_FRAME_BYTES_MAX + 1)
        except OSError:  # EAGAIN
            return None

    def close(self):
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
