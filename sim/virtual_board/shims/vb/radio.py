"""This board's radio: its place on the air, and whom it reaches.

The file is described in `air.py`; this process writes its own slot's last part only. Frames go by
UDP on loopback, from board to board. What is lost is decided by the sender, from a seed.

Shape    a datagram: kind (0 for all, 1 for one), source MAC, RSSI, then the data
"""

import binascii
import math
import os
import socket
import struct

from vb import config

_SLOT_BYTES = 128
_HOST_PART = "<6sBxiiiHIB"
_MASK_AT = 32
_BOARD_AT = 96
_BOARD_PART = "<BBH"
_HEAD = "<B6sb"
HEAD_BYTES = 8
_CHANNEL_AT_START = 1
_RSSI_NEAR_DBM = -30
_RSSI_FAR_DBM = -95
_METRE_MM = 1000
_FRAME_BYTES_MAX = 512
_PORT_FIRST, _PORTS, _PORT_ATTEMPTS = 20_000, 12_000, 100
_EADDRINUSE = 98
_RETRIES = 3  # of a unicast whose acknowledgement is missing, besides the first attempt

MAC = binascii.unhexlify(config.get("mac"))
_slot = config.get("slot")
_file = open(config.get("air"), "r+b")  # noqa: SIM115 - open as long as the board runs
_active = [False, False]
_is_deaf = False
_channel = _CHANNEL_AT_START
_random = 0
_port = 0
wire = None  # the socket, while the radio is on


def is_active(interface):
    """Tell whether an interface is on."""
    return _active[interface]


def channel():
    """Return the channel."""
    return _channel


def set_active(interface, on):
    """Switch an interface."""
    _active[interface] = on
    _publish()


def set_channel(number):
    """Change the channel."""
    global _channel
    _channel = number
    _publish()


def set_deaf(deaf):
    """Take the radio from the air while the chip sleeps, and give it back as it was."""
    global _is_deaf
    if any(_active):
        _is_deaf = deaf
        _publish()


def is_on():
    """Tell whether the radio is on."""
    return wire is not None


def _publish():
    global wire, _port
    if any(_active) and wire is None:
        wire, _port = _open()
    elif wire is not None and not any(_active):
        wire.close()
        wire, _port = None, 0
    _file.seek(_slot * _SLOT_BYTES + _BOARD_AT)
    is_heard = wire is not None and not _is_deaf
    _file.write(struct.pack(_BOARD_PART, is_heard, _channel, _port))


def _open():
    """Return a socket and its port; the unix port cannot ask which one it got."""
    for _ in range(_PORT_ATTEMPTS):
        port = _PORT_FIRST + struct.unpack("<H", os.urandom(2))[0] % _PORTS
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind(_address(port))
        except OSError:
            opened.close()
            continue
        opened.setblocking(False)
        return opened, port
    raise OSError(_EADDRINUSE)


def _address(port):
    return socket.getaddrinfo("127.0.0.1", port)[0][-1]


class Neighbour:
    """Another radio that can be heard now: it is on, on our channel and in range."""

    def __init__(self, mac, port, distance_mm, loss_permille):
        self.mac = mac
        self.port = port
        self.rssi = _rssi_dbm(distance_mm)
        self.loss_permille = loss_permille


def neighbours():
    """Return the radios in reach."""
    global _random
    _file.seek(0)
    table = _file.read()
    own = _row(table, _slot)
    if not _random:
        _random = (own[6] ^ _slot * 2_654_435_761) & 0xFFFFFFFF or 1
    found = []
    for slot in range(len(table) // _SLOT_BYTES):
        on, tuned, port = struct.unpack_from(_BOARD_PART, table, slot * _SLOT_BYTES + _BOARD_AT)
        if not on or tuned != _channel or slot == _slot:
            continue
        row = _row(table, slot)
        if not (_may_reach(table, own, _slot, slot) and _may_reach(table, row, slot, _slot)):
            continue
        distance_mm = int(math.sqrt((row[2] - own[2]) ** 2 + (row[3] - own[3]) ** 2))
        if any([0 <= each[4] < distance_mm for each in (own, row)]):
            continue
        found.append(Neighbour(row[0], port, distance_mm, max(own[5], row[5])))
    return found


def transmit(neighbour, kind, data):
    """Send a frame to one radio; return whether it got there.

    A unicast is repeated by the hardware, so it is lost only if every attempt is.
    """
    for _ in range(1 + (_RETRIES if kind else 0)):
        if _draw_permille() >= neighbour.loss_permille:
            break
    else:
        return False
    head = struct.pack(_HEAD, kind, MAC, neighbour.rssi)
    try:
        wire.sendto(head + bytes(data), _address(neighbour.port))
    except OSError:
        pass  # its buffer is full: the radio acknowledges all the same
    return True


def take():
    """Return (source MAC, RSSI, data) of the next frame, None if there is none."""
    if wire is None:
        return None
    try:
        frame = wire.recv(_FRAME_BYTES_MAX)
    except OSError:
        return None
    if len(frame) < HEAD_BYTES:
        return None
    _, mac, rssi = struct.unpack_from(_HEAD, frame)
    return mac, rssi, frame[HEAD_BYTES:]


def _row(table, slot):
    return struct.unpack_from(_HOST_PART, table, slot * _SLOT_BYTES)


def _may_reach(table, row, slot, other):
    if not row[7]:
        return True
    return bool(table[slot * _SLOT_BYTES + _MASK_AT + other // 8] & 1 << other % 8)


def _rssi_dbm(distance_mm):
    """Return the strength at a distance: free space, exponent 2.5, -40 dBm at one metre."""
    if distance_mm < _METRE_MM:
        return _RSSI_NEAR_DBM
    return max(_RSSI_FAR_DBM, int(-40 - 25 * math.log10(distance_mm / _METRE_MM)))


def _draw_permille():
    """Return 0 to 999 from the radio's own stream (xorshift32)."""
    global _random
    value = _random
    value ^= value << 13 & 0xFFFFFFFF
    value ^= value >> 17
    value ^= value << 5 & 0xFFFFFFFF
    _random = value
    return value % 1000
