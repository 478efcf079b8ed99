"""What a scenario file may say, as types: who, where, when, which faults, and what must hold.

For CPython only, as all of `sim/scenario`. Lengths, levels and rates of places, radio and faults
are checked by the parts of the world that they describe.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from cma_toolkit.sim.world.fleet import DRIFT_PPM_MAX

AGENTS_MAX = 100_000
MINUTES_MAX = 44_000  # a month
BATTERY_MV_MAX = 60_000

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Level: TypeAlias = int | float


class Who(msgspec.Struct, frozen=True):
    """The agents, their application, and what they sense.

    `app` and every CSV file are looked for beside the scenario. `battery_mv` is whole millivolts
    or a CSV file of seconds and millivolts; a sensor is a value or such a file.
    """

    app: str
    agents: Annotated[int, Meta(ge=1, le=AGENTS_MAX)]
    board: str = ""
    cluster: str = ""
    drift_ppm: Annotated[int, Meta(ge=0, le=DRIFT_PPM_MAX)] = 0
    battery_mv: Annotated[int, Meta(ge=0, le=BATTERY_MV_MAX)] | str = 4000
    settings: dict[str, int] = {}
    sensors: dict[str, Level | str] = {}


class When(msgspec.Struct, frozen=True):
    """How long faults may happen, and how long the world then has to recover.

    Without `calm_minutes` it has five if there are faults; sleepers have three times as long as
    the faults, and 45 wake periods.
    """

    minutes: Annotated[float, Meta(gt=0, le=MINUTES_MAX)] = 10.0
    calm_minutes: Annotated[float, Meta(ge=0, le=MINUTES_MAX)] | None = None


class Faults(msgspec.Struct, frozen=True):
    """What goes wrong: drawn from the seed, of all kinds or of those named, and by hand."""

    draw: bool | tuple[str, ...] = False
    at: tuple[dict[str, Any], ...] = ()


class Must(msgspec.Struct, frozen=True):
    """What must hold: after every event what `checkers` look at, the rest at the end.

    Without `checkers` all of them look, but for an application without a scenario.
    """

    checkers: tuple[str, ...] | None = None
    no_errors: bool = True
    agree: tuple[str, ...] = ()
    state_at_least: dict[str, int] = {}
    neighbours_at_least: Count = 0
    published_at_least: Count = 0
    used_uah_at_most: Annotated[int, Meta(gt=0)] | None = None


class Scenario(msgspec.Struct, frozen=True):
    """One scenario file."""

    who: Who
    about: str = ""
    where: dict[str, Any] = {}
    radio: dict[str, Any] = {}
    climate: dict[str, Any] | None = None
    supply: dict[str, Any] | None = None
    when: When = When()
    faults: Faults = Faults()
    must: Must = Must()
