"""Frames over ESP-NOW: broadcast, or unicast to a neighbour whose address a frame has shown."""

import time

import espnow

from kernel.codec import frame
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES

_BROADCAST_MAC = b"\xff\xff\xff\xff\xff\xff"
_RX_BYTES = 4096  # of ESP-NOW's own buffer: about 15 full frames between two polls
_PEERS_MAX = 16  # unicast peers kept of the 20 that ESP-NOW allows
_MAC, _RSSI = 0, 2  # in the list that recvinto fills
_SENT, _ANSWERED = 0, 1  # in `stats`; a broadcast counts as answered once it is on the air
_FLUSH_MS = 50  # of full frames at 1 Mbit/s, the outbox takes half of it


class EspnowLink:
    """One radio, on the channel that the board's Wi-Fi station has."""

    name = "espnow"

    def __init__(self, board):
        # ESP-NOW wants just this size, and shrinks it to the frame that `receive` tells of.
        self.buffer = bytearray(FRAME_BYTES_MAX)
        self._espnow = espnow.ESPNow()
        self.rssi_dbm = 0  # of the frame that `receive` told of
        self._packet = [None, self.buffer, 0, 0]
        self._macs = {}  # node id → hardware address, learnt from what was received
        self._peers = []  # addresses given to ESP-NOW, longest unused first

    def switch(self, is_on):
        """Start or stop the service; the radio itself is the board's."""
        if not is_on:
            self._flush()
            self._espnow.active(False)
            self._peers.clear()  # it forgets them
            return
        self._espnow.config(rxbuf=_RX_BYTES)
        self._espnow.active(True)
        self._add_peer(_BROADCAST_MAC)

    def _flush(self):
        # What `send` has queued leaves before the radio goes off.
        for _ in range(_FLUSH_MS):
            stats = self._espnow.stats()
            if stats[_ANSWERED] >= stats[_SENT]:
                return
            time.sleep_ms(1)

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
        """Put the next frame that came into `buffer`; return its length, 0 if there is none."""
        length = self._espnow.recvinto(self._packet, 0)
        self.rssi_dbm = self._packet[_RSSI]
        if length > HEADER_BYTES:
            self._learn(frame.read_source(self.buffer), self._packet[_MAC])
        return length

    def _learn(self, node, mac):
        if self._macs.get(node) != mac:
            if len(self._macs) >= 2 * _PEERS_MAX:
                self._macs.clear()  # learnt again within an announcement's period
            self._macs[node] = bytes(mac)
