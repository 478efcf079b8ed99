"""What a test may ask of `world` and `agent`: a mistake is a sentence, and no test that holds."""

from collections.abc import Iterable, Mapping
from typing import Any

_LOSS_MAX = 100
_ROW = 3  # second, topic, value
_CUT = 2  # second, agent number
_SEED_MAX = (1 << 63) - 1


def wrong_run(agents: Any, seconds: Any, loss: Any, settings: Mapping[str, Any]) -> str:
    """Return what is wrong with a run, "" if nothing is."""
    from cma_toolkit.sim.scenario.describe import setting_problem
    from cma_toolkit.sim.scenario.records import AGENTS_MAX, MINUTES_MAX

    bounds = (
        ("agents", agents, 1, AGENTS_MAX),
        ("seconds", seconds, 1, MINUTES_MAX * 60),
        ("loss", loss, 0, _LOSS_MAX),
    )
    for name, value, least, most in bounds:
        if not isinstance(value, int) or not least <= value <= most:
            return f"{name}={value!r}: write a whole number from {least} to {most}."
    for name, value in settings.items():
        problem = setting_problem(name, value)
        if problem:
            return f"settings: {name}: {problem}"
    return ""


def wrong_surroundings(seed: Any, range_m: Any, battery: Any) -> str:
    """Return what is wrong with what surrounds the agents, "" if nothing is."""
    from cma_toolkit.sim.scenario.describe import is_battery
    from cma_toolkit.sim.scenario.records import BATTERY_MV_MAX
    from cma_toolkit.sim.world.medium.options import LENGTH_M_MAX

    bounds = (("seed", seed, 0, _SEED_MAX), ("range_m", range_m, 0, LENGTH_M_MAX))
    for name, value, least, most in bounds:
        if not isinstance(value, int) or not least <= value <= most:
            return f"{name}={value!r}: write a whole number from {least} to {most}."
    is_over_time = callable(battery) or str(battery).endswith(".csv")
    if battery is None or is_over_time or is_battery(battery):
        return ""
    return (
        f"battery={battery!r}: write whole millivolts from 0 to {BATTERY_MV_MAX}, a function, or "
        "the name of a CSV file."
    )


def wrong_cuts(power_cuts: Iterable[Any], agents: int, seconds: int) -> str:
    """Return what is wrong with the cuts of power, "" if nothing is."""
    for row in power_cuts:
        if not isinstance(row, tuple | list) or len(row) != _CUT:
            return f"power_cuts: {row!r}: write (second, agent number) for each."
        at_s, agent = row
        if not isinstance(agent, int) or not 0 <= agent < agents:
            return f"power_cuts: {row!r}: the agents have the numbers 0 to {agents - 1}."
        if not isinstance(at_s, int) or not 0 <= at_s < seconds:
            return f"power_cuts: {row!r}: its second is none of the {seconds} of the run."
    return ""


def wrong_messages(says: Iterable[Any], seconds: int) -> str:
    """Return what is wrong with the messages of a neighbour, "" if nothing is."""
    for row in says:
        if not isinstance(row, tuple | list) or len(row) != _ROW:
            return f"{row!r}: write (second, topic, value) for what a neighbour says."
        if not isinstance(row[0], int) or not 0 <= row[0] <= seconds:
            return f"{row!r}: its second is none of the {seconds} of the run; write one of them."
    return ""


def wrong_sensors(given: Iterable[str], result: Mapping[str, Any], app: str) -> str:
    """Return which sensor no agent asked for: its name is misspelt, "" if there is none."""
    for name in given:
        if name not in result["set_sensors"]:
            asked = ", ".join([*result["set_sensors"], *result["unset_sensors"]])
            return f"{app} asked for no sensor {name}; it asked for {asked or 'none'}."
    return ""
