"""`inventory.csv`: one line per board, checked against the fleet's file."""

import csv
import io
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from cma_toolkit.host_tools.errors import CmaError, usage
from cma_toolkit.host_tools.fleet import settings
from cma_toolkit.host_tools.fleet.fleet_file import (
    FLEET_FILE,
    NAME_PATTERN,
    NAME_RULE,
    SSID_BYTES_MAX,
    FleetFile,
    read_text,
)
from cma_toolkit.host_tools.fleet.mac import normal_mac
from cma_toolkit.host_tools.fleet.settings import Value
from cma_toolkit.host_tools.fleet.strict import nearest
from cma_toolkit.host_tools.secure.certificates import ROLES

INVENTORY_FILE = "inventory.csv"
COLUMNS = ("name", "board", "mac", "labels", "cluster", "wifi", "roles")
SETTING_PREFIX = "set."
NO_WIFI = "-"
ROLES_OF_ALL = tuple(role for role in ROLES if role != "edge")
LABEL_COUNT_MAX = 16
LABEL_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.=:/-]{0,30}$")


@dataclass(frozen=True)
class Row:
    """One board as the inventory wants it, defaults of the fleet filled in.

    Empty `board`: any board will do. Empty `mac`: no particular one. Empty `wifi`: no Wi-Fi.
    """

    line: int
    name: str
    board: str
    mac: str
    labels: tuple[str, ...]
    cluster: str
    wifi: str
    settings: dict[str, Value]
    roles: tuple[str, ...] = ROLES_OF_ALL


def load_inventory(path: Path, fleet: FleetFile, boards: Collection[str]) -> list[Row]:
    """Read an inventory.

    Raises: CmaError (the file's author, or no such file).
    """
    return parse_inventory(read_text(path), fleet, boards, path.name)


def parse_inventory(
    text: str, fleet: FleetFile, boards: Collection[str], file: str = INVENTORY_FILE
) -> list[Row]:
    """Read and check every line of an inventory; `boards` are the ids that exist.

    Raises: CmaError (the file's author) naming the line and the column.
    """
    lines = _numbered(text, file)
    if not lines:
        raise usage(f"{file}: empty. Write a first line with the columns: {','.join(COLUMNS)}")
    first_line, header = lines[0]
    columns = [cell.strip() for cell in header]
    _check_header(columns, fleet, f"{file} line {first_line}")
    rows = []
    for number, cells in lines[1:]:
        if len(cells) > len(columns):
            raise usage(
                f"{file} line {number}: {len(cells)} cells, the first line names {len(columns)} "
                "columns. Put quotes around a cell that holds a comma."
            )
        named = dict(zip_longest(columns, (cell.strip() for cell in cells), fillvalue=""))
        rows.append(_Line(file, number, named).row(fleet, boards))
    _refuse_twins(rows, "name", lambda row: row.name.lower(), file)
    _refuse_twins(rows, "mac", lambda row: row.mac, file)
    return rows


def _numbered(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Return the lines that hold data with their numbers; `#` begins a line of comment."""
    first = next((line for line in text.splitlines() if line and line[0] != "#"), "")
    delimiter = ";" if ";" in first and "," not in first else ","  # a spreadsheet's, in Europe
    lines: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise usage(f"{file} line {start}: not valid CSV: {error}. Mend that line.") from None
    return lines


def _check_header(columns: list[str], fleet: FleetFile, where: str) -> None:
    allowed = [*COLUMNS, *(SETTING_PREFIX + key for key in fleet.settings)]
    for index, column in enumerate(columns, 1):
        if column not in allowed:
            hint = nearest(column, allowed)
            if column.startswith(SETTING_PREFIX):
                hint += f" Settings are declared in [settings] of {FLEET_FILE}."
            raise usage(f'{where}: unknown column {index} "{column}"{hint}')
        if columns.count(column) > 1:
            raise usage(f'{where}: column "{column}" is there twice. Remove one.')
    if "name" not in columns:
        raise usage(f'{where}: no column "name". Every board needs a name of its own.')


@dataclass(frozen=True)
class _Line:
    file: str
    number: int
    cells: dict[str, str]

    def row(self, fleet: FleetFile, boards: Collection[str]) -> Row:
        cluster = self._cluster(fleet)
        return Row(
            line=self.number,
            name=self._name(),
            board=self._board(fleet, boards),
            mac=self._mac(),
            labels=self._labels(),
            cluster=cluster,
            wifi=self._wifi(fleet, cluster),
            settings=self._settings(fleet, cluster),
            roles=self._roles(),
        )

    def _wrong(self, column: str, text: str) -> CmaError:
        return usage(f"{self.file} line {self.number}, column {column}: {text}")

    def _name(self) -> str:
        name = self.cells["name"]
        if not re.match(NAME_PATTERN, name):
            raise self._wrong("name", f'"{name}" is no name. Write {NAME_RULE}.')
        return name

    def _board(self, fleet: FleetFile, boards: Collection[str]) -> str:
        board = self.cells.get("board") or fleet.board
        if board and board not in boards:
            raise self._wrong("board", f'unknown board "{board}"{nearest(board, boards)}')
        return board

    def _mac(self) -> str:
        text = self.cells.get("mac", "")
        try:
            return normal_mac(text) if text else ""
        except ValueError as error:
            raise self._wrong("mac", f'"{text}": {error}, or leave it empty.') from None

    def _labels(self) -> tuple[str, ...]:
        labels = tuple(dict.fromkeys(self.cells.get("labels", "").split()))
        if len(labels) > LABEL_COUNT_MAX:
            raise self._wrong("labels", f"{len(labels)} labels. Keep at most {LABEL_COUNT_MAX}.")
        for label in labels:
            if not LABEL_PATTERN.match(label):
                raise self._wrong(
                    "labels",
                    f'"{label}" is no label. Write words of at most 31 letters, digits and '
                    "_.=:/- with spaces between them.",
                )
        return labels

    def _roles(self) -> tuple[str, ...]:
        words = self.cells.get("roles", "").split()
        for word in words:
            if word not in ROLES:
                raise self._wrong("roles", f'unknown role "{word}"{nearest(word, ROLES)}')
        return tuple(role for role in ROLES if role in words) or ROLES_OF_ALL

    def _cluster(self, fleet: FleetFile) -> str:
        cluster = self.cells.get("cluster") or fleet.cluster or fleet.name
        if not re.match(NAME_PATTERN, cluster):
            raise self._wrong("cluster", f'"{cluster}" is no name. Write {NAME_RULE}.')
        # A fleet that describes its clusters has described them all: others are misspelt.
        if fleet.clusters and cluster not in fleet.clusters:
            raise self._wrong(
                "cluster",
                f'"{cluster}" is not in [clusters] of {FLEET_FILE}'
                f"{nearest(cluster, fleet.clusters)}",
            )
        return cluster

    def _wifi(self, fleet: FleetFile, cluster: str) -> str:
        known = fleet.clusters[cluster].wifi if cluster in fleet.clusters else []
        ssid = self.cells.get("wifi", "")
        if ssid == NO_WIFI:
            return ""
        if known and ssid and ssid not in known:
            raise self._wrong(
                "wifi",
                f'"{ssid}" is not in clusters.{cluster}.wifi of {FLEET_FILE}'
                f'{nearest(ssid, known)} "{NO_WIFI}" turns Wi-Fi off.',
            )
        if len(ssid.encode()) > SSID_BYTES_MAX:
            raise self._wrong("wifi", f'"{ssid}" has more than {SSID_BYTES_MAX} bytes. Mend it.')
        return ssid or (known[0] if known else "")

    def _settings(self, fleet: FleetFile, cluster: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key, setting in sorted(fleet.settings.items()):
            column = SETTING_PREFIX + key
            text = self.cells.get(column, "")
            shared = fleet.clusters[cluster].settings if cluster in fleet.clusters else {}
            value = shared.get(key, setting.default)
            try:
                if text:
                    values[key] = settings.parse(text, setting)
                elif value is not None:
                    values[key] = settings.check(value, setting)
                else:
                    raise self._wrong(
                        column, f"empty, and {FLEET_FILE} has no default. Write a value."
                    )
            except ValueError as error:
                raise self._wrong(column, f'"{text}": {error}.') from None
        return values


def _refuse_twins(rows: list[Row], column: str, key: Callable[[Row], str], file: str) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        value = key(row)
        if value and value in seen:
            raise usage(
                f"{file} line {row.line}, column {column}: "
                f'"{getattr(row, column)}" is on line {seen[value].line} too. '
                f"Give each board its own {column}."
            )
        seen[value] = row
