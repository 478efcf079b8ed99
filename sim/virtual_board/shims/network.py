"""`network.WLAN` in the virtual Wi-Fi: access points that the board's world accepts.

A board that is connected reaches the network of its computer through real sockets.
"""

import binascii

from vb import config, control, radio

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_BEACON_TIMEOUT, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = 200, 201, 202
STAT_ASSOC_FAIL, STAT_HANDSHAKE_TIMEOUT = 203, 204
MODE_11B, MODE_11G, MODE_11N, MODE_LR = 1, 2, 4, 8
AUTH_OPEN, AUTH_WEP, AUTH_WPA_PSK, AUTH_WPA2_PSK, AUTH_WPA_WPA2_PSK = 0, 1, 2, 3, 4
_NOT_STARTED = -0x3002  # ESP_ERR_WIFI_NOT_STARTED
_CHANNELS_MAX = 14
_AP_RSSI_DBM = -50
_AP_CHANNEL = 6
_hostname = "mpy-" + config.get("chip")


class WLAN:
    """One interface; the same object each time, as on a board."""

    IF_STA, IF_AP = STA_IF, AP_IF
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2
    SEC_OPEN, SEC_WEP, SEC_WPA, SEC_WPA2 = 0, 1, 2, 3
    _interfaces = {}

    def __new__(cls, interface=STA_IF):
        """Return the interface."""
        if interface not in (STA_IF, AP_IF):
            raise ValueError("unknown interface")
        if interface not in cls._interfaces:
            wlan = object.__new__(cls)
            wlan._begin(interface)
            cls._interfaces[interface] = wlan
        return cls._interfaces[interface]

    def __init__(self, interface=STA_IF):
        pass

    def _begin(self, interface):
        self._interface = interface
        self._status = STAT_IDLE
        self._ssid = ""
        self._settings = {"pm": 1, "txpower": 20, "protocol": 7, "reconnects": -1}

    def active(self, on=None):
        """Return whether the interface is on, or switch it."""
        if on is None:
            return radio.is_active(self._interface)
        if not on:
            self.disconnect()
        radio.set_active(self._interface, bool(on))
        return bool(on)

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Connect; what comes of it shows in `status`."""
        if not self.active():
            raise OSError(_NOT_STARTED, "Wifi Not Started")
        control.hear()
        known = config.get("wifi")
        self._ssid = ssid if ssid is not None else self._ssid
        if self._ssid not in known:
            self._status = STAT_NO_AP_FOUND
        elif known[self._ssid] and known[self._ssid] != key:
            self._status = STAT_WRONG_PASSWORD
        else:
            self._status = STAT_GOT_IP
            radio.set_channel(_AP_CHANNEL)

    def disconnect(self):
        """Leave the access point."""
        self._status = STAT_IDLE

    def isconnected(self):
        """Tell whether there is an address."""
        if self._interface == AP_IF:
            return False
        return self._status == STAT_GOT_IP

    def status(self, what=None):
        """Return how a connection stands, or the RSSI of its access point."""
        if what == "rssi":
            return _AP_RSSI_DBM
        if what == "stations":
            return []
        return self._status

    def scan(self):
        """Return [(ssid, bssid, channel, RSSI, security, hidden)]."""
        if not self.active():
            raise OSError(_NOT_STARTED, "Wifi Not Started")
        control.hear()
        known = config.get("wifi")
        return [
            (
                ssid.encode(),
                b"\x02vbap\0",
                _AP_CHANNEL,
                _AP_RSSI_DBM,
                AUTH_WPA2_PSK if known[ssid] else AUTH_OPEN,
                False,
            )
            for ssid in sorted(known)
        ]

    def ifconfig(self, values=None):
        """Return (address, netmask, gateway, DNS server): the computer's loopback."""
        if values is not None:
            return None
        if self.isconnected():
            return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
        if self._interface == AP_IF and self.active():
            return ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")
        return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    def ipconfig(self, name=None, **values):
        """Return one value of the address, by its name."""
        address = self.ifconfig()
        if name == "addr4":
            return address[:2]
        if name == "gw4":
            return address[2]
        if name is not None:
            raise ValueError("unknown config param")

    def config(self, name=None, **values):
        """Return a setting by its name, or set some."""
        if name is None:
            for key, value in values.items():
                self._set(key, value)
            return None
        if name == "mac":
            return self._mac()
        if name == "channel":
            return radio.channel()
        if name in ("ssid", "essid"):
            return self._ssid
        if name in ("hostname", "dhcp_hostname"):
            return hostname()
        if name in self._settings:
            return self._settings[name]
        raise ValueError("unknown config param")

    def _set(self, key, value):
        if key == "channel":
            if not 1 <= value <= _CHANNELS_MAX:
                raise OSError(-0x102, "ESP_ERR_INVALID_ARG")
            radio.set_channel(value)
        elif key in ("ssid", "essid"):
            self._ssid = value
        elif key in ("hostname", "dhcp_hostname"):
            hostname(value)
        else:
            self._settings[key] = value

    def _mac(self):
        raw = bytearray(binascii.unhexlify(config.get("mac")))
        if self._interface == AP_IF:
            raw[5] = raw[5] + 1 & 0xFF
        return bytes(raw)


def hostname(name=None):
    """Return the board's name on the network, or set it."""
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def country(code=None):
    """Return the country code; setting one changes nothing here."""
    return "XX"


def phy_mode(mode=None):
    """Return the PHY mode; setting one changes nothing here."""
    return MODE_11B | MODE_11G | MODE_11N
