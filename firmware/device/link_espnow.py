"""Frames over ESP-NOW: broadcast, or unicast to a neighbour whose address a frame has shown."""

import espnow

from kernel.codec import frame

_BROADCAST_MAC = b"\xff\xff\xff\xff\xff\xff"
_RX_BYTES = 4096  # of ESP-NOW's own buffer: about 15 full frames between two polls
_PEERS_MAX = 16  # unicast peers kept of the 20 that ESP-NOW allows


class EspnowLink:
    """One radio; `wlan` must be active and stays on its channel."""

    name = "espnow"

    def __init__(self, board):
        self._espnow = espnow.ESPNow()
        self._espnow.config(rxbuf=_RX_BYTES)
        self._espnow.active(True)
        self._add_peer(_BROADCAST_MAC)
        self._macs = {}  # node id → hardware address, learnt from what was received
        self._peers = []  # addresses given to ESP-NOW, longest unused first

    def send(self, buffer, length):
        """Transmit a frame; False if it is for one node and that node did not acknowledge."""
        data = memoryview(buffer)[:length]
        target = frame.read_target(buffer)
        mac = self._macs.get(target)
        if target == frame.BROADCAST or mac is None:
            self._espnow.send(_BROADCAST_MAC, data, False)
            return True
        self._use_peer(mac)
        return self._espnow.send(mac, data, True)

    def _use_peer(self, mac):
        if mac in self._peers:
            self._peers.remove(mac)
        else:
            if len(self._peers) == _PEERS_MAX:
                self._espnow.del_peer(self._peers.pop(0))
            self._add_peer(mac)
        self._peers.append(mac)

    def _add_peer(self, mac):
        try:
            self._espnow.add_peer(mac)
        except OSError as error:
            if "EXIST" not in str(error):  # it survived a soft reset: as good as added
                raise

    def receive(self):
        """Return the next frame that came, None if there is none; never wait."""
        mac, data = self._espnow.recv(0)
        if data is None:
            return None
        if len(data) > frame.HEADER_BYTES:
            self._learn(frame.read_source(data), mac)
        return data

    def _learn(self, node, mac):
        if self._macs.get(node) != mac:
            if len(self._macs) >= 2 * _PEERS_MAX:
                self._macs.clear()  # learnt again within an announcement's period
            self._macs[node] = bytes(mac)

    def close(self):
        """Switch ESP-NOW off."""
        self._espnow.active(False)
