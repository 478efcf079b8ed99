"""Frames over Wi-Fi: UDP to the subnet's broadcast address, for all and for one alike.

The frame's target decides who takes it. Unicast would need each neighbour's IP address, and where
several boards share one address (virtual boards do) it reaches only one of them; multicast depends
on what access points and routes make of it.
"""

import socket

_PORT = 47477
_FRAME_BYTES_MAX = 250


def _broadcast_address(address, netmask):
    """Return the broadcast address of a subnet, all as dotted text."""
    parts = zip(address.split("."), netmask.split("."))
    return ".".join([str(int(own) | 255 - int(mask)) for own, mask in parts])


class UdpLink:
    """A socket that exists as long as the Wi-Fi is connected."""

    name = "udp"

    def __init__(self, board):
        self._wlan = board.wlan
        self._socket = None
        self._target = None
        settings = board.settings
        # A radio that naps between an access point's beacons misses ESP-NOW frames.
        if hasattr(self._wlan, "PM_NONE"):
            self._wlan.config(pm=self._wlan.PM_NONE)
        if not self._wlan.isconnected():
            self._wlan.connect(settings.wifi_ssid, settings.wifi_password)

    def _open(self):
        address, netmask = self._wlan.ifconfig()[:2]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        udp.bind(("0.0.0.0", _PORT))
        udp.setblocking(False)
        self._target = (_broadcast_address(address, netmask), _PORT)
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
        try:
            return self._socket.recv(_FRAME_BYTES_MAX + 1) if self._is_up() else None
        except OSError:  # EAGAIN: nothing came; or the network went away, and comes back
            return None

    def close(self):
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
