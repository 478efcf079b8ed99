"""`fleet.toml`: what the boards of one fleet share."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet import settings
from cma_toolkit.host_tools.fleet.settings import Setting, Value
from cma_toolkit.host_tools.fleet.strict import decode_toml, nearest

FLEET_FILE = "fleet.toml"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,30}$"
NAME_KINDS = "letters, digits, '-', '_' or '.', the first a letter or digit"
NAME_RULE = f"1 to 31 {NAME_KINDS}"
SSID_BYTES_MAX = 32
NETWORK = "network"
LABEL_FIELDS = ("name", "mac", "board", "chip", "cluster", "fleet", "labels")
LABEL_LINES = ("{name}", "{mac}", "{board}  {cluster}")

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
NetworkId = Annotated[int, Meta(ge=1, le=65535)]
ValidDays = Annotated[int, Meta(ge=1, le=10_000)]


class Cluster(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the boards of one cluster share: its Wi-Fi networks, the first one preferred."""

    wifi: list[str] = []
    settings: dict[str, Value] = {}


class Station(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The production line: the lines of a label, and the command that prints its file."""

    label: list[str] = msgspec.field(default_factory=lambda: list(LABEL_LINES))
    printer: str = ""


class Enrolment(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """For how many days the certificate of a board holds."""

    valid_days: ValidDays = 3650


class FleetFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of `fleet.toml`."""

    name: Name
    network: NetworkId
    board: str = ""
    cluster: str = ""
    clusters: dict[Name, Cluster] = {}
    settings: dict[str, Setting] = {}
    station: Station = Station()
    enrolment: Enrolment = Enrolment()


def parse_fleet(text: str, file: str = FLEET_FILE) -> FleetFile:
    """Read and check the text of a `fleet.toml`.

    Raises: CmaError (the file's author).
    """
    fleet = decode_toml(text, FleetFile, file)
    if fleet.cluster and fleet.cluster not in fleet.clusters:
        raise usage(
            f'{file}: cluster = "{fleet.cluster}" is not in [clusters]'
            f"{nearest(fleet.cluster, fleet.clusters)}"
        )
    if NETWORK in fleet.settings:
        raise usage(
            f'{file}: [settings] has "{NETWORK}", which is ours. Give that setting another name.'
        )
    settings.check_declarations(fleet.settings, file)
    for name, cluster in fleet.clusters.items():
        _check_cluster(fleet, name, cluster, file)
    for line in fleet.station.label:
        _check_label(line, file)
    return fleet


def load_fleet(path: Path) -> FleetFile:
    """Read a `fleet.toml`.

    Raises: CmaError (the file's author, or no such file).
    """
    return parse_fleet(read_text(path), path.name)


def read_text(path: Path) -> str:
    """Read a project's file as UTF-8.

    Raises: CmaError when it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise usage(f"{path}: no such file. Start a project with: cma new NAME") from None
    except UnicodeDecodeError as error:
        raise usage(
            f"{path.name}: byte {error.start} is not UTF-8. Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise usage(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from None


def _check_cluster(fleet: FleetFile, name: str, cluster: Cluster, file: str) -> None:
    for ssid in cluster.wifi:
        if not 1 <= len(ssid.encode()) <= SSID_BYTES_MAX:
            raise usage(
                f"{file}: clusters.{name}.wifi: a network's name has 1 to {SSID_BYTES_MAX} "
                f'bytes, "{ssid}" has {len(ssid.encode())}. Mend that value.'
            )
    for key, value in cluster.settings.items():
        place = f"clusters.{name}.settings"
        if key not in fleet.settings:
            raise usage(f'{file}: unknown key "{key}" in [{place}]{nearest(key, fleet.settings)}')
        try:
            settings.check(value, fleet.settings[key])
        except ValueError as error:
            raise settings.wrong_value(file, f"{place}.{key}", error) from None


def _check_label(line: str, file: str) -> None:
    for field in re.findall(r"\{([^{}]*)\}", line):
        if field not in LABEL_FIELDS:
            raise usage(
                f'{file}: station.label: unknown field "{{{field}}}"{nearest(field, LABEL_FIELDS)}'
            )
