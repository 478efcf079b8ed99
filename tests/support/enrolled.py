"""The script `own_keys` as a board runs it, over an NVS that is a dictionary."""

import importlib.util
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "host_tools" / "on_device"


class Store:
    """A namespace of NVS."""

    def __init__(self, values: dict[str, bytes]) -> None:
        self._values = values

    def get_blob(self, key: str, buffer: bytearray) -> int:
        """Fill a buffer; returns how far."""
        if key not in self._values:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        data = self._values[key]
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key: str, value: bytes) -> None:
        """Keep a value."""
        self._values[key] = bytes(value)

    def erase_key(self, key: str) -> None:
        """Keep it no more."""
        if key not in self._values:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        del self._values[key]

    def commit(self) -> None:
        """Do nothing: all is written."""


def own_keys(values: dict[str, bytes]) -> ModuleType:
    """Return the script, on a board whose namespace holds these values."""
    spec = importlib.util.spec_from_file_location("own_keys_script", SCRIPTS / "own_keys.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.open_store = lambda: Store(values)  # type: ignore[attr-defined]
    return script
