"""Read what provisioning wrote: the keys of the NVS namespace `cma`.

A key that is missing or damaged has its default; a board that nobody provisioned still runs.
"""

import binascii

import esp32

from kernel.codec import cbor
from kernel.config import Config
from kernel.limits import NAME_BYTES_MAX

_NAMESPACE = "cma"
_SIZE_BYTES_MAX = 1536  # of one value; a page of NVS holds 4,000


def fill(settings, mac):
    """Give `settings` all it has."""
    nvs, buffer = esp32.NVS(_NAMESPACE), bytearray(_SIZE_BYTES_MAX)
    settings.name = _text(nvs, "name", buffer, NAME_BYTES_MAX)
    settings.is_provisioned = bool(settings.name)
    if not settings.name:
        settings.name = "agent-" + binascii.hexlify(mac[3:]).decode()
    settings.board = _text(nvs, "board", buffer, NAME_BYTES_MAX) or "unknown"
    settings.wifi_ssid = _text(nvs, "wifi_ssid", buffer)
    settings.wifi_password = _text(nvs, "wifi_password", buffer)
    settings.values = _map(nvs, "settings", buffer)
    settings.pins = _map(nvs, "pins", buffer)
    settings.config = Config()
    settings.config.take(settings.values)
    settings.config.take_currents(_map(nvs, "currents", buffer))
    # The 16 bits that keep apart the frames of two clusters on one channel.
    cluster = _text(nvs, "cluster", buffer)
    number = binascii.crc32(cluster.encode()) if cluster else 0
    settings.network = settings.whole("network", number) & 0xFFFF


def _text(nvs, key, buffer, size_bytes_max=_SIZE_BYTES_MAX):
    """Return a text value, "" if there is none, or none that may be."""
    data = _read(nvs, key, buffer)
    try:
        return str(data, "utf-8") if len(data) <= size_bytes_max else ""
    except UnicodeError:
        return ""


def _map(nvs, key, buffer):
    """Return a CBOR map, {} if there is none."""
    data = _read(nvs, key, buffer)
    try:
        value = cbor.decode(data) if len(data) else {}
    except cbor.CborError:
        print("cma: setting '%s' is damaged; run: cma provision" % key)
        value = {}
    return value if isinstance(value, dict) else {}


def _read(nvs, key, buffer):
    try:
        length = nvs.get_blob(key, buffer)
    except OSError:  # ESP_ERR_NVS_NOT_FOUND
        return b""
    return memoryview(buffer)[:length]
