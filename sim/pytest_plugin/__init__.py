"""The fixtures `world` and `agent`: run your application in a test, on both runtimes.

    def test_pump_follows_the_soil(world):
        result = world(agents=3, seconds=120, sensors={"soil": 120})
        assert not result.errors
        assert result.actuators["agent-01"]["pump"] == [1]

    def test_a_battery_lasts_a_year(world):
        world(seconds=6 * 3600, settings={"wake_period_ms": 300_000}, board="esp32-c3-devkitm-1")
        assert world.battery_days(percentile=1) > 365

    def test_it_waters_when_asked(agent):
        life = agent(seconds=60, sensors={"soil": 800}, hears=[(30, "water", None)])
        assert life.actuators["pump"] == [1, 0]

Each test that asks for one runs twice: in this CPython, and in a real MicroPython.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.pytest_plugin import arguments

RUNTIMES = ("cpython", "micropython")
BATTERY_MAH = 3_000  # an 18650 cell
# Of a run, before its energy counts: in it the agents look for each other, listening all the time.
_UNCOUNTED_PART = 4


@pytest.fixture(params=RUNTIMES)
def world(request: pytest.FixtureRequest) -> "World":
    """Run applications in virtual time, once per runtime."""
    return World(request.param, request.path.parent)


@pytest.fixture
def agent(world: "World") -> "OneAgent":
    """Run one agent on its own in virtual time, once per runtime."""
    return OneAgent(world)


class World:
    """Run an application on one runtime."""

    def __init__(self, runtime: str, folder: Path) -> None:
        self.runtime = runtime
        self._folder = folder
        self._last: Any = None

    def __call__(
        self,
        app: str | Path = "app.py",
        agents: int = 3,
        seconds: int = 60,
        seed: int = 1,
        *,
        sensors: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        battery: Any = None,
        board: str = "",
        loss: int = 0,
        range_m: int = 0,
        power_cuts: Iterable[tuple[int, int]] = (),
        says: Iterable[tuple[int, str, Any]] = (),
    ) -> Any:
        """Run `agents` agents for `seconds` of virtual time and return a `WorldResult`.

        `app` is looked for beside the test and in the folders above it. A sensor is a constant, a
        function of (seconds, agent number), or the name of a CSV file of seconds and values.
        `settings` are those of a provisioned board, as `{"wake_period_ms": 60_000}`. `battery` is
        in millivolts, given like a sensor; with the id of a `board` its energy is counted:
        `used_uah` of the status in all, and, but for the first quarter of the run, `uah_per_day`
        and `world.battery_days`. `loss` is the percentage of frames lost; `power_cuts`
        are (seconds, agent number) pairs. With `says`, the last agent is a neighbour without your
        application, which publishes these (second, topic, value).
        """
        from cma_toolkit.sim.pytest_plugin.results import from_plain

        says, power_cuts = list(says), list(power_cuts)
        _refuse(arguments.wrong_run(agents, seconds, loss, settings or {}))
        _refuse(arguments.wrong_surroundings(seed, range_m, battery))
        _refuse(arguments.wrong_cuts(power_cuts, agents, seconds))
        _refuse(arguments.wrong_messages(says, seconds))
        spec: dict[str, Any] = {
            "app": str(self._find(app)),
            "agents": agents,
            "seconds": seconds,
            "seed": seed,
            "loss_permille": loss * 10,
            "range_m": range_m,
            "sensors": {
                name: self._plain_sensor(given, agents, seconds)
                for name, given in (sensors or {}).items()
            },
            "settings": dict(settings or {}),
            "currents": self._currents(board) if board else {},
            "power_cuts": [list(cut) for cut in power_cuts],
        }
        if says:
            spec["says"] = [_plain_message(*row) for row in says]
        if battery is not None:
            spec["battery"] = self._plain_sensor(battery, agents, seconds)
        if board:
            spec["meter_from_s"] = seconds // _UNCOUNTED_PART
        metered_s = seconds - seconds // _UNCOUNTED_PART
        result = _run(self.runtime, spec)
        _refuse(arguments.wrong_sensors(spec["sensors"], result, Path(app).name))
        self._last = from_plain(self.runtime, result, metered_s)
        return self._last

    def battery_days(self, percentile: float = 1, battery_mah: float = BATTERY_MAH) -> float:
        """Return for how many days a battery lasts, by the last run.

        That of the agent that is worse off than all but `percentile` per cent of them.
        """
        if self._last is None:
            pytest.fail(
                "world.battery_days: nothing was run; first world(seconds=…, board=…).",
                pytrace=False,
            )
        try:
            days: float = self._last.battery_days(percentile, battery_mah)
            return days
        except ValueError as error:
            problem = str(error)
        pytest.fail(f"world.battery_days: {problem}", pytrace=False)

    def _find(self, name: str | Path, advice: str = "name your app") -> Path:
        for folder in (self._folder, *self._folder.parents):
            if (folder / name).is_file():
                return (folder / name).resolve()
        pytest.fail(f"{name}: not found beside the test or above it; {advice}.", pytrace=False)

    def _currents(self, board: str) -> dict[str, int]:
        from cma_toolkit.boards.errors import BoardFileError
        from cma_toolkit.boards.load import load_board

        try:
            return load_board(board).current_ua
        except BoardFileError as error:
            pytest.fail(str(error), pytrace=False)

    def _plain_sensor(self, given: Any, agents: int, seconds: int) -> Any:
        from cma_toolkit.sim.world.sensors import rows_from_csv

        if callable(given):
            # Read it here, once a second, for both runtimes: a function cannot leave this process.
            return {"agents": [_sample(given, agent, seconds) for agent in range(agents)]}
        if isinstance(given, Path) or (isinstance(given, str) and given.endswith(".csv")):
            return rows_from_csv(self._find(given, "name a sensor's file").read_text())
        return given


class OneAgent:
    """Run one agent of an application, with a neighbour from whom it hears what you say."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(
        self,
        app: str | Path = "app.py",
        seconds: int = 60,
        *,
        hears: Iterable[tuple[int, str, Any]] = (),
        power_cuts: Iterable[int] = (),
        **surroundings: Any,
    ) -> Any:
        """Run the agent for `seconds` of virtual time and return an `AgentResult`.

        `hears` are messages of its neighbour: (second, topic, value) each. A sleeping agent hears
        them in its next window. `power_cuts` are seconds; the rest is as for `world`.
        """
        hears = list(hears)
        result = self._world(
            app,
            2 if hears else 1,
            seconds,
            power_cuts=[(at_s, 0) for at_s in power_cuts],
            says=hears,
            **surroundings,
        )
        return result.of("agent-01")


def _refuse(problem: str) -> None:
    if problem:
        pytest.fail(problem, pytrace=False)


def _plain_message(at_s: int, topic: str, value: Any) -> list[Any]:
    from cma_toolkit.firmware.kernel.codec import cbor

    try:
        return [at_s, topic, cbor.encode(value).hex()]
    except cbor.CborError as error:
        pytest.fail(f"{topic}: {value!r} cannot be sent ({error})", pytrace=False)


def _sample(function: Callable[[int, int], Any], agent: int, seconds: int) -> list[list[Any]]:
    return [[second, function(second, agent)] for second in range(seconds + 1)]


def _run(runtime: str, spec: dict[str, Any]) -> dict[str, Any]:
    from cma_toolkit.sim.world import driver, failure, micropython
    from cma_toolkit.sim.world.app_loader import AppError

    problem, here, there = "", {}, {}
    try:
        with failure.told_of_hangs(spec["app"]):
            here = driver.run(spec)
        there = here if runtime == "cpython" else micropython.run(spec)
    except (AppError, micropython.RuntimeMissingError, micropython.WorldCrashError) as error:
        problem = str(error)
    except failure.FailedError as error:
        problem = f"{error}\n{error.traceback}"
    _refuse(problem)
    if here["digest"] != there["digest"]:
        pytest.fail(
            "the run differs between CPython and MicroPython: look for floats, for the order of a "
            "set or dict, and for what only one runtime has",
            pytrace=False,
        )
    return there
