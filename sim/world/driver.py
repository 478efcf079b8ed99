"""Run a world that is described by plain data, and describe what happened in plain data.

The same code runs in this process and, as `micropython -m cma_toolkit.sim.world.driver`, in a real
MicroPython; both return equal results for equal descriptions.

Shape of a description: app (path), agents, seconds, seed, loss_permille, range_m, sensors; and, if
they are not to be as usual, battery, currents, settings, places, radio, drift_ppm, climate,
supply, power_cuts, faults (as faults/menu.py makes them); with meter_from_s, what each agent uses
by power state from then on is counted; with says, the last agent is a neighbour that says it (see
neighbour.py, values as in a result); with in_micropython, the agent of that number lives in a
MicroPython of its own. Values of a result are hexadecimal CBOR, so that JSON keeps bytes and
integer keys.
"""

import binascii
import gc
import json
import sys

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.sim.world.app_loader import AppError, load_setup
from cma_toolkit.sim.world.fleet import BATTERY_MV, Fleet, agent_names
from cma_toolkit.sim.world.host import ERRORS_KEPT_MAX
from cma_toolkit.sim.world.meter import EnergyMeter
from cma_toolkit.sim.world.trace import encode_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from cma_toolkit.sim.world.faults.base import Fault
    from cma_toolkit.sim.world.guest.host import MicroPythonGuest
    from cma_toolkit.sim.world.watcher import Watcher

    Plain = dict[str, Any]

DONE, APP_REFUSED = 0, 2
_COLLECT_EVERY_BYTES = 8_000_000


def run(
    spec: "Plain",
    *,
    keep: bool = True,
    on_progress: "Callable[..., object] | None" = None,
    watchers: "Sequence[Watcher]" = (),
) -> "Plain":
    """Run a described world to its end; `on_progress` is told seconds done, all, and events.

    Raises: AppError if its application cannot be loaded, and what a watcher raises.
    """
    number = spec.get("in_micropython")
    if number is None:
        return _run(spec, keep, on_progress, watchers)
    from cma_toolkit.sim.world.guest.host import MicroPythonGuest

    with MicroPythonGuest(spec["app"]) as guest:
        return _run(spec, keep, on_progress, watchers, {number: guest})


def _run(
    spec: "Plain",
    keep: bool,
    on_progress: "Callable[..., object] | None",
    watchers: "Sequence[Watcher]",
    guests: "dict[int, MicroPythonGuest] | None" = None,
) -> "Plain":
    meter = EnergyMeter(spec["meter_from_s"] * 1000) if "meter_from_s" in spec else None
    fleet = make_fleet(spec, keep, list(watchers) + ([meter] if meter else []), guests)
    fleet.run(spec["seconds"], on_progress)
    fleet.end()
    result = describe(fleet)
    result["used_nc"] = meter.used_nc if meter and meter.is_known else []
    result["digest"] = fleet.digest()
    return result


def make_fleet(
    spec: "Plain",
    keep: bool,
    watchers: "Sequence[Watcher]",
    guests: "dict[int, MicroPythonGuest] | None" = None,
    own: "Sequence[int] | None" = None,
) -> Fleet:
    """Return a described world before its first event, or the part of it with some agents."""
    return Fleet(
        _setup(spec),
        spec["agents"],
        spec["seed"],
        sensors=spec["sensors"],
        loss_permille=spec["loss_permille"],
        range_m=spec["range_m"],
        places=spec.get("places"),
        radio=spec.get("radio"),
        drift_ppm=spec.get("drift_ppm", 0),
        climate=spec.get("climate"),
        supply=spec.get("supply"),
        settings=spec.get("settings"),
        battery=spec.get("battery", BATTERY_MV),
        currents=spec.get("currents"),
        power_cuts=[(cut[0], cut[1]) for cut in spec.get("power_cuts", [])],
        faults=_faults(spec),
        watchers=watchers,
        guests=guests,
        keep=keep,
        own=own,
    )


def describe(fleet: Fleet) -> "Plain":
    """Return what happened in a world, or in a part of it, in plain data."""
    boards = [fleet.boards[index] for index in fleet.own]
    return {
        "names": fleet.names,
        "states": [_hex(values) for values in fleet.states()],
        "statuses": fleet.statuses(),
        "sleep": [board.sleep() for board in boards],
        "used_uah": [board.used_uah() for board in boards],
        "air": [fleet.radio.counts(board.index) for board in boards],
        "supply": [board.power.status() for board in boards if board.power is not None],
        "messages": [_row(entry) for entry in in_order(fleet.log.messages)],
        "events": [_row(entry) for entry in in_order(fleet.log.events)],
        "actuations": [_row(entry) for entry in in_order(fleet.log.actuations)],
        "errors": [list(entry) for entry in in_order(fleet.log.errors)][:ERRORS_KEPT_MAX],
        "error_count": fleet.log.error_count,
        "set_sensors": sorted(fleet.log.set_sensors),
        "unset_sensors": sorted(fleet.log.unset_sensors),
        "attended": sorted([fleet.names[index] for index in fleet.attended]),
        "published": fleet.log.published,
        "happened": fleet.clock.scheduled,
    }


def _setup(spec: "Plain") -> "Callable[[object], object]":
    setup, rows = load_setup(spec["app"]), spec.get("says")
    if not rows:
        return setup
    from cma_toolkit.sim.world.neighbour import with_neighbour

    says = [(at_s, topic, cbor.decode(binascii.unhexlify(value))) for at_s, topic, value in rows]
    return with_neighbour(setup, agent_names(spec["agents"])[-1], says)


def _faults(spec: "Plain") -> "list[tuple[int, int, Fault]]":
    planned = spec.get("faults")
    if not planned:
        return []
    from cma_toolkit.sim.world.faults import menu

    count = spec["agents"]
    return [(plain["start_ms"], plain["end_ms"], menu.make(plain, count)) for plain in planned]


def in_order(entries: "Sequence[Any]") -> "list[Any]":
    """Return what a log holds by instant and agent, and of one agent as it happened."""
    # With the place of each: not every runtime's sort leaves equals as they were.
    keys = [(entry[0], entry[1], place) for place, entry in enumerate(entries)]
    return [entries[place] for _at_ms, _agent, place in sorted(keys)]


def _hex(value: object) -> str:
    return binascii.hexlify(encode_value(value)).decode()


def _row(entry: "tuple[int, str, str, object]") -> "list[object]":
    at_ms, agent, what, value = entry
    return [at_ms, agent, what, _hex(value)]


def main(arguments: list[str]) -> int:
    """Run the description in one file and write the result to another; return the exit code."""
    if hasattr(gc, "threshold"):
        # MicroPython: collected only when full, a heap is strewn with what a test keeps, and no
        # long list finds room in it.
        gc.threshold(_COLLECT_EVERY_BYTES)
    spec_path, result_path = arguments
    with open(spec_path) as file:
        spec = json.load(file)
    try:
        result = run(spec)
        code = DONE
    except AppError as error:
        result, code = {"refused": str(error)}, APP_REFUSED
    with open(result_path, "w") as file:
        json.dump(result, file)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
