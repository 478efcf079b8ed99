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
    rssi_dbm = 0  # that of the access point says nothing of a neighbour

    def __init__(self, board):
        self.buffer = bytearray(_FRAME_BYTES_MAX + 1)  # one too many: it is seen to be too long
        self._wlan = board.wlan
        self._settings = board.settings
        self._socket = None
        self._target = None

    def switch(self, is_on):
        """Join the access point, or let go of it."""
        if not is_on:
            self._close()
            return
        # A radio that naps between an access point's beacons misses ESP-NOW frames.
        if hasattr(self._wlan, "PM_NONE"):
            self._wlan.config(pm=self._wlan.PM_NONE)
        if not self._wlan.isconnected():
            self._wlan.connect(self._settings.wifi_ssid, self._settings.wifi_password)

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
            self._close()
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
        """Put the next frame that came into `buffer`; return its length, 0 if there is none."""
        try:
            # Not readinto: it goes on until the buffer is full, with the next datagram.
            data = self._socket.recv(len(self.buffer)) if self._is_up() else b""
        except OSError:  # EAGAIN: nothing came; or the network went away, and comes back
            return 0
        self.buffer[: len(data)] = data
        return len(data)

    def _close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None
