"""`espnow` between virtual boards.

What a board does, and this too: a unicast is acknowledged by the peer's radio, whether anything
there listens or not; a broadcast never is, and counts as sent; what does not fit the receive
buffer is dropped and counted.

Source   MicroPython ports/esp32/modespnow.c, modules/espnow.py; ESP-IDF esp_now.h
"""

import io
import time

from vb import idle, radio

MAX_DATA_LEN = 250
KEY_LEN = 16
ADDR_LEN = 6
MAX_TOTAL_PEER_NUM = 20
MAX_ENCRYPT_PEER_NUM = 6
_BROADCAST = b"\xff" * 6
_PACKET_OVERHEAD_BYTES = 13
_RXBUF_BYTES = 2 * (MAX_DATA_LEN + _PACKET_OVERHEAD_BYTES)
_TIMEOUT_MS = 300_000
_POLL, _READABLE = 3, 1
_ERRORS = {
    "ESP_ERR_ESPNOW_NOT_INIT": -12389,
    "ESP_ERR_ESPNOW_ARG": -12390,
    "ESP_ERR_ESPNOW_FULL": -12392,
    "ESP_ERR_ESPNOW_NOT_FOUND": -12393,
    "ESP_ERR_ESPNOW_EXIST": -12395,
    "ESP_ERR_ESPNOW_IF": -12396,
}


def _fail(name):
    raise OSError(_ERRORS[name], name)


def _address(mac):
    if not isinstance(mac, (bytes, bytearray)) or len(mac) != ADDR_LEN:
        raise ValueError("ESPNow: bytes or bytearray wrong length")
    return bytes(mac)


class ESPNow(io.IOBase):
    """The ESP-NOW service; every object is the same one, as on a board."""

    _one = None

    def __new__(cls):
        """Return the service."""
        if ESPNow._one is None or not isinstance(ESPNow._one, cls):
            service = object.__new__(cls)
            service._begin()
            ESPNow._one = service
        return ESPNow._one

    def __init__(self):
        pass

    def _begin(self):
        self._is_active = False
        self._peers = {}
        self._queue = []
        self._queued_bytes = 0
        self._rxbuf_bytes = _RXBUF_BYTES
        self._timeout_ms = _TIMEOUT_MS
        self._callback = None
        self._watched = None
        self._counts = [0, 0, 0, 0, 0]
        self._pair = [None, None]
        self.peers_table = {}

    # Service.

    def active(self, on=None):
        """Return whether the service runs, or start or stop it."""
        if on is not None and bool(on) != self._is_active:
            while radio.take():
                pass  # what came while nobody listened
            self._is_active = bool(on)
            if not on:
                self._begin()
            self._watch()
        return self._is_active

    def config(self, name=None, *, rxbuf=None, timeout_ms=None, rate=None):
        """Return a setting by its name, or set some."""
        if name == "rxbuf":
            return self._rxbuf_bytes
        if name == "timeout_ms":
            return self._timeout_ms
        if name is not None:
            raise ValueError("unknown config param")
        if rxbuf is not None:
            self._rxbuf_bytes = rxbuf
        if timeout_ms is not None:
            self._timeout_ms = timeout_ms
        return None

    def irq(self, callback=None, arg=None):
        """Call `callback(self)` when something came."""
        self._callback = callback
        self._argument = self if arg is None else arg
        self._watch()

    def stats(self):
        """Return (sent, answered, failed, received, dropped) packets."""
        self._drain()
        return tuple(self._counts)

    def set_pmk(self, key):
        """Set the primary key; encryption is not modelled."""
        if len(key) != KEY_LEN:
            raise ValueError("ESPNow: bytes or bytearray wrong length")

    # Peers.

    def add_peer(self, mac, lmk=None, channel=0, ifidx=0, encrypt=None):
        """Register a peer."""
        self._need_active()
        mac = _address(mac)
        if mac in self._peers:
            _fail("ESP_ERR_ESPNOW_EXIST")
        if len(self._peers) >= MAX_TOTAL_PEER_NUM:
            _fail("ESP_ERR_ESPNOW_FULL")
        encrypted = bool(lmk) if encrypt is None else encrypt
        if encrypted and self.peer_count()[1] >= MAX_ENCRYPT_PEER_NUM:
            _fail("ESP_ERR_ESPNOW_FULL")
        self._peers[mac] = (mac, bytes(lmk or bytes(KEY_LEN)), channel, ifidx, encrypted)

    def mod_peer(self, mac, lmk=None, channel=0, ifidx=0, encrypt=None):
        """Change a peer."""
        self.del_peer(mac)
        self.add_peer(mac, lmk, channel, ifidx, encrypt)

    def del_peer(self, mac):
        """Forget a peer."""
        self._need_active()
        mac = _address(mac)
        if mac not in self._peers:
            _fail("ESP_ERR_ESPNOW_NOT_FOUND")
        del self._peers[mac]

    def get_peer(self, mac):
        """Return (mac, lmk, channel, ifidx, encrypt) of a peer."""
        self._need_active()
        mac = _address(mac)
        if mac not in self._peers:
            _fail("ESP_ERR_ESPNOW_NOT_FOUND")
        return self._peers[mac]

    def get_peers(self):
        """Return the peers."""
        self._need_active()
        return tuple([self._peers[mac] for mac in self._peers])

    def peer_count(self):
        """Return (peers, encrypted peers)."""
        self._need_active()
        return (len(self._peers), sum([1 for mac in self._peers if self._peers[mac][4]]))

    # Traffic.

    def send(self, peer, msg=None, sync=True):
        """Send to one peer, or to all but the broadcast address (`None`, or only a message).

        Returns: False if `sync` and a peer did not acknowledge.
        """
        if msg is None:
            peer, msg = None, peer
        self._need_active()
        if isinstance(msg, str):
            msg = msg.encode()
        if not 0 < len(msg) <= MAX_DATA_LEN:
            raise ValueError("ESPNow: bytes or bytearray wrong length")
        if peer is None:
            targets = [mac for mac in self._peers if mac != _BROADCAST]
        else:
            targets = [_address(peer)]
        if not targets or any([mac not in self._peers for mac in targets]):
            _fail("ESP_ERR_ESPNOW_NOT_FOUND")
        if not radio.is_on():
            _fail("ESP_ERR_ESPNOW_IF")
        around = radio.neighbours()
        answers = [self._send_to(mac, msg, around) for mac in targets]
        return all(answers) if sync else True

    def recv(self, timeout_ms=None):
        """Return [mac, message], [None, None] if nothing came in time."""
        mac, message = self.irecv(timeout_ms)
        return [mac, None if message is None else bytes(message)]

    def irecv(self, timeout_ms=None):
        """Do the same, always with the same list."""
        self._need_active()
        if timeout_ms is None:
            timeout_ms = self._timeout_ms
        if not self.any() and timeout_ms:
            self._wait(timeout_ms)
        if not self._queue:
            self._pair[0] = self._pair[1] = None
            return self._pair
        self._pair[0], self._pair[1] = self._queue.pop(0)
        self._queued_bytes -= len(self._pair[1]) + _PACKET_OVERHEAD_BYTES
        return self._pair

    def recvinto(self, data, timeout_ms=None):
        """Fill `[mac, bytearray]`, and RSSI and time if the list is so long; return the size."""
        mac, message = self.irecv(timeout_ms)
        if mac is None:
            return 0
        buffer = data[1]
        if len(buffer) != MAX_DATA_LEN:
            raise ValueError("invalid buffer length")
        buffer[: len(message)] = message
        data[0] = mac
        if len(data) > 3:
            data[2], data[3] = self.peers_table.get(mac, (0, 0))
        return len(message)

    def any(self):
        """Tell whether something can be received."""
        self._drain()
        return bool(self._queue)

    def __iter__(self):
        """Iterate over what comes."""
        return self

    def __next__(self):
        """Return the next message."""
        return self.irecv()

    def ioctl(self, request, argument):
        """Tell whether it can be read."""
        return _READABLE & argument if request == _POLL and self.any() else 0

    @property
    def _vb_stream(self):
        """Return what `select` polls on the host."""
        return radio.wire

    def _send_to(self, mac, message, around):
        self._counts[0] += 1
        if mac == _BROADCAST:
            for neighbour in around:
                radio.transmit(neighbour, 0, message)
            self._counts[1] += 1
            return True
        for neighbour in around:
            if neighbour.mac == mac and radio.transmit(neighbour, 1, message):
                self._counts[1] += 1
                return True
        self._counts[1] += 1
        self._counts[2] += 1
        return False

    def _drain(self):
        """Take over what came; nothing was read since, so what does not fit came too late."""
        while True:
            frame = radio.take()
            if frame is None:
                return
            mac, rssi, message = frame
            if not self._is_active:
                continue
            size = len(message) + _PACKET_OVERHEAD_BYTES
            if self._queued_bytes + size > self._rxbuf_bytes:
                self._counts[4] += 1
                continue
            self._counts[3] += 1
            self._queue.append((mac, message))
            self._queued_bytes += size
            self.peers_table[mac] = [rssi, time.ticks_ms()]

    def _wait(self, timeout_ms):
        """Wait until something came."""
        if radio.wire is None:
            idle.sleep_ms(timeout_ms)
            return
        end_at_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        was_watched = self._watched
        if not was_watched:
            idle.watch(radio.wire, self._drain)
        try:
            while not self.any():
                left_ms = -1
                if timeout_ms >= 0:
                    left_ms = time.ticks_diff(end_at_ms, time.ticks_ms())
                    if left_ms <= 0:
                        return
                idle.turn(left_ms)
        finally:
            if not was_watched:
                idle.unwatch(radio.wire)

    def _watch(self):
        if self._watched:
            idle.unwatch(self._watched)
            self._watched = None
        if self._callback and self._is_active and radio.wire:
            self._watched = radio.wire
            idle.watch(self._watched, self._on_frames)

    def _on_frames(self):
        if self.any() and self._callback:
            idle.call(self._callback, self._argument)

    def _need_active(self):
        if not self._is_active:
            _fail("ESP_ERR_ESPNOW_NOT_INIT")
