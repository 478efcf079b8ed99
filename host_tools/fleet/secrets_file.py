"""`secrets.toml`: the Wi-Fi passwords, by the network's name. Never printed, never in git."""

import os
import stat
import tomllib
from pathlib import Path

import msgspec

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.fleet_file import read_text
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.fleet.strict import refuse_unknown_keys

SECRETS_FILE = "secrets.toml"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SecretsFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of `secrets.toml`: `[wifi]`, one line `"network" = "password"` each."""

    wifi: dict[str, str] = {}


def parse_secrets(text: str, file: str = SECRETS_FILE) -> dict[str, Secret]:
    """Read the Wi-Fi passwords; no message repeats a value.

    Raises: CmaError (the file's author).
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # tomllib may quote the file: only the place is told.
        place = str(error).rpartition("(")[2].rstrip(")")
        raise usage(f'{file}: not valid TOML {place}. Write: "network" = "password"') from None
    refuse_unknown_keys(data, SecretsFile, file)
    try:
        wifi = msgspec.convert(data, SecretsFile).wifi
    except msgspec.ValidationError:
        raise usage(f'{file}: [wifi] holds lines like "network" = "password". Mend it.') from None
    for ssid, password in wifi.items():
        _check_password(ssid, password, file)
    return {ssid: Secret(password) for ssid, password in wifi.items()}


def load_secrets(path: Path) -> dict[str, Secret]:
    """Read `secrets.toml`; a project without one has no passwords.

    Raises: CmaError (the file's author), also when others on this computer may read the file.
    """
    if not path.exists():
        return {}
    if os.name != "nt":
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            raise usage(
                f"{path.name} may be read by others on this computer (mode {mode:o}). "
                f"Run: chmod 600 {path.name}"
            )
    return parse_secrets(read_text(path), path.name)


def _check_password(ssid: str, password: str, file: str) -> None:
    """Refuse what no access point accepts. Source: IEEE 802.11, annex J.4 (passphrase to PSK)."""
    size = len(password.encode())
    is_key = size == 64 and all(letter in "0123456789abcdefABCDEF" for letter in password)
    if size and not 8 <= size <= 63 and not is_key:
        raise usage(
            f'{file}: the password of "{ssid}" has {size} bytes; Wi-Fi takes 8 to 63 '
            "(none for an open network). Mend that value."
        )
