"""Sensors of a world: a constant, a table over time (from a CSV file), a function, or a demo wave.

What is not a constant is read at the second that the world has reached.
"""

from cma_toolkit.firmware.kernel.ports import Sensor
from cma_toolkit.sim.world.clock import Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AT_S_MAX = 1e9  # of a file's times; what is no number of seconds is neither less nor more
_WAVE_PERIOD_MS = 600_000
_WAVE_HEIGHT = 1000
_WAVE_SHIFT_MS = 37_000  # between two agents, so that they differ


class ConstantSensor(Sensor):
    """Read the same value always."""

    def __init__(self, value: object) -> None:
        self._value = value

    def read(self) -> object:
        """Return the value."""
        return self._value


class TableSensor(Sensor):
    """Read the value of the last row whose time has come.

    Shape: rows of (seconds, value), sorted by time; before the first row its value holds.
    """

    def __init__(self, rows: "Sequence[tuple[float, object]]", clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    def read(self) -> object:
        """Return the present row's value."""
        value = self._rows[0][1]
        for at_s, later in self._rows:
            if at_s * 1000 > self._clock.now_ms:
                break
            value = later
        return value


class FunctionSensor(Sensor):
    """Read what a function of the time (s) and the agent's number returns."""

    def __init__(self, function: "Callable[[int, int], object]", agent: int, clock: Clock) -> None:
        self._function = function
        self._agent = agent
        self._clock = clock

    def read(self) -> object:
        """Return the function's present value."""
        return self._function(self._clock.now_ms // 1000, self._agent)


class WaveSensor(Sensor):
    """Rise from 0 to 1000 and fall again in ten minutes: what a sensor shows that nobody set."""

    def __init__(self, agent: int, clock: Clock) -> None:
        self._shift_ms = agent * _WAVE_SHIFT_MS
        self._clock = clock

    def read(self) -> object:
        """Return the present height, a whole number."""
        phase_ms = (self._clock.now_ms + self._shift_ms) % _WAVE_PERIOD_MS
        height = 2 * _WAVE_HEIGHT * phase_ms // _WAVE_PERIOD_MS
        return height if height <= _WAVE_HEIGHT else 2 * _WAVE_HEIGHT - height


def make_sensor(given: object, agent: int, clock: Clock) -> Sensor:
    """Return the sensor for what a test or a command line gave.

    Shape: a function of (seconds, agent), a list of (seconds, value) rows, {"agents": [one of
    these per agent]}, or a constant.
    """
    if isinstance(given, dict) and "agents" in given:
        return make_sensor(given["agents"][agent], agent, clock)
    if isinstance(given, list):
        return TableSensor([(row[0], row[1]) for row in given], clock)
    if callable(given):
        return FunctionSensor(given, agent, clock)
    return ConstantSensor(given)


def rows_from_csv(text: str) -> list[tuple[float, object]]:
    """Return the rows of a CSV file of seconds and values; a heading line is skipped.

    Raises: ValueError that names the line.
    """
    rows: list[tuple[float, object]] = []
    lines = text.replace("\r", "").split("\n")
    for number in range(len(lines)):
        cells = [cell.strip() for cell in lines[number].split(",")]
        if cells == [""] or (number == 0 and not _is_number(cells[0])):
            continue
        if len(cells) != 2 or not cells[1]:
            raise ValueError(f"line {number + 1}: write seconds,value")
        if not _is_number(cells[0]) or not -_AT_S_MAX <= float(cells[0]) <= _AT_S_MAX:
            raise ValueError(f"line {number + 1}: '{cells[0]}' is no time in seconds")
        if rows and float(cells[0]) < rows[-1][0]:
            raise ValueError(f"line {number + 1}: times must not go back")
        rows.append((float(cells[0]), parse_value(cells[1])))
    if not rows:
        raise ValueError("it has no line with a time and a value")
    return rows


def parse_value(text: str) -> object:
    """Return what a person typed as a whole number, a float, or text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _is_number(text: str) -> bool:
    return not isinstance(parse_value(text), str)
