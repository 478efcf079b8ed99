"""What provisioning wrote: the keys of the NVS namespace `cma`.

A key that is missing or damaged has its default; a board that nobody provisioned still runs.
"""

import binascii

import esp32

from kernel.codec import cbor
from kernel.config import Config
from kernel.limits import NAME_BYTES_MAX

_NAMESPACE = "cma"
_SIZE_BYTES_MAX = 1536  # of one value; a page of NVS holds 4,000


class Settings:
    """The identity of this board and the values of its settings."""

    def __init__(self, mac):
        self._nvs = esp32.NVS(_NAMESPACE)
        self._buffer = bytearray(_SIZE_BYTES_MAX)
        self.name = self._text("name", NAME_BYTES_MAX)
        self.is_provisioned = bool(self.name)
        if not self.name:
            self.name = "agent-" + binascii.hexlify(mac[3:]).decode()
        self.board = self._text("board", NAME_BYTES_MAX) or "unknown"
        self.wifi_ssid = self._text("wifi_ssid")
        self.wifi_password = self._text("wifi_password")
        self.values = self._map("settings")
        self.pins = self._map("pins")
        self.config = Config()
        self.config.take(self.values)
        self.config.take_currents(self._map("currents"))
        # The 16 bits that keep apart the frames of two clusters on one channel.
        cluster = self._text("cluster")
        number = binascii.crc32(cluster.encode()) if cluster else 0
        self.network = self.whole("network", number) & 0xFFFF
        self._nvs = self._buffer = None

    def _text(self, key, size_bytes_max=_SIZE_BYTES_MAX):
        """Return a text value, "" if there is none, or none that may be."""
        data = self._read(key)
        try:
            return str(data, "utf-8") if len(data) <= size_bytes_max else ""
        except UnicodeError:
            return ""

    def _map(self, key):
        """Return a CBOR map, {} if there is none."""
        data = self._read(key)
        try:
            value = cbor.decode(data) if len(data) else {}
        except cbor.CborError:
            print("cma: setting '%s' is damaged; run: cma provision" % key)
            value = {}
        return value if isinstance(value, dict) else {}

    def _read(self, key):
        try:
            length = self._nvs.get_blob(key, self._buffer)
        except OSError:  # ESP_ERR_NVS_NOT_FOUND
            return b""
        return memoryview(self._buffer)[:length]

    def whole(self, key, default):
        """Return a setting that is a whole number."""
        value = self.values.get(key, default)
        return value if isinstance(value, int) else default
