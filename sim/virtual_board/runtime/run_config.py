"""What a board needs to know to run MicroPython: its hardware, its flash, its surroundings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.boards.load import Board

# Reset causes as `machine.reset_cause()` returns them on an ESP32.
POWER_ON, SOFTWARE, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5

# The virtual access point that every board finds unless its world has others.
WIFI = {"cma-lab": "cma-lab-password"}


@dataclass(frozen=True)
class RadioSettings:
    """How a board's ESP-NOW radio reaches others.

    `air` is the file that all boards of one home share; a board exists on the air only while its
    WLAN is active. `peers` limits the reach to these MACs, on top of range.
    """

    air: Path
    position_m: tuple[float, float] = (0.0, 0.0)
    range_m: float | None = None
    loss_permille: int = 0
    peers: tuple[str, ...] | None = None
    seed: int = 1


@dataclass(frozen=True)
class RunConfig:
    """One board, ready to boot.

    `partitions` are those of the flashed table, the implicit `vfs` included. `wifi` maps the name
    of each access point in reach to its password, empty for an open one. `wires` maps a UART's
    number to two unix datagram sockets: this board's end and the other board's. `running` is the
    label of the app that was started, `version` what it says of itself.
    """

    name: str
    chip: str
    board: Board
    mac: str
    image: Path
    partitions: Sequence[Partition]
    rtc: Path
    radio: RadioSettings
    battery_mv: int = 4200
    wifi: Mapping[str, str] = field(default_factory=lambda: dict(WIFI))
    wires: Mapping[int, tuple[Path, Path]] = field(default_factory=dict)
    heap_bytes: int = 2 << 20
    running: str = ""
    version: str = ""
