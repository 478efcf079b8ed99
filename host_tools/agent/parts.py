"""Sensors and actuators of an agent on a computer: given values, or drivers beside its app.py.

`drivers/soil.py` with `make(board)` works here as on a board, if what it imports exists here.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from cma_toolkit.firmware.kernel.ports import Actuator, Parts, Sensor

Note = Callable[[str, str], None]


class HostSettings:
    """What a driver may ask `board.settings` for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.pins: dict[str, Any] = {}

    def whole(self, key: str, default: int) -> int:
        """Return a setting that is a whole number."""
        value = self.values.get(key, default)
        return value if isinstance(value, int) else default


class HostBoard:
    """What `make(board)` of a driver gets on a computer."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings


class ShownActuator(Actuator):
    """Report what is written, where nothing can be switched."""

    def __init__(self, name: str, on_write: Callable[[str, object], None]) -> None:
        self._name = name
        self._on_write = on_write

    def write(self, value: object) -> None:
        """Report the value."""
        self._on_write(self._name, value)


class HostParts(Parts):
    """Find a part by its name and make it once."""

    def __init__(
        self,
        folder: Path,
        settings: HostSettings,
        sensors: Mapping[str, Sensor],
        note: Note,
        on_write: Callable[[str, object], None],
    ) -> None:
        self._folder = folder
        self._board = HostBoard(settings)
        self._sensors = dict(sensors)
        self._actuators: dict[str, Actuator] = {}
        self._note = note
        self._on_write = on_write
        # As on a board: the application's folder stays importable.
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))

    def sensor(self, name: str) -> Sensor:
        """Return the sensor that was given for this name, else that of its driver."""
        if name not in self._sensors:
            driver, problem = self._load(name)
            if driver is None:
                raise LookupError(
                    f"no sensor '{name}': {problem}; give --sensor {name}=VALUE, or "
                    f"{name}=@FILE.csv"
                )
            self._sensors[name] = cast(Sensor, driver)
        return self._sensors[name]

    def actuator(self, name: str) -> Actuator:
        """Return the actuator of a driver; without one what is written is only shown."""
        if name not in self._actuators:
            driver, problem = self._load(name)
            if driver is None:
                self._note("actuator only shown", f"{name}: {problem}")
                driver = ShownActuator(name, self._on_write)
            self._actuators[name] = cast(Actuator, driver)
        return self._actuators[name]

    def _load(self, name: str) -> tuple[object, str]:
        """Return what a driver makes; None and why if there is none, or only boards can run it.

        Anything else that it raises is the user's to see.
        """
        path = self._folder / "drivers" / f"{name}.py"
        if not path.exists():
            return None, f"there is no {path}"
        try:
            module = importlib.import_module(f"drivers.{name}")
        except ModuleNotFoundError as error:
            return None, f"{path} needs the module {error.name}, which this computer lacks"
        return module.make(self._board), ""
