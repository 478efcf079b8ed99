"""What `cma rollout start` was asked for, checked: which release, which boards, in which waves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.database import BoardRecord, Database
from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet
from cma_toolkit.host_tools.fleet.project import need_folder
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.release.artefact import Release
from cma_toolkit.host_tools.rollout import waves, windows
from cma_toolkit.host_tools.rollout.records import Rollout, Terms

WAKE_PERIOD = "wake_period_ms"
_SILENCE_S, _PERIODS = 21_600, 3


@dataclass(frozen=True)
class Plan:
    """A roll-out that has not begun, the boards of its waves, and those with no image for them."""

    rollout: Rollout
    waves: list[list[BoardRecord]]
    left_out: list[BoardRecord]
    release: Release


def plan(database: Database, given: dict[str, Any], now_s: int) -> Plan:
    """Return what the options ask for; nothing is written.

    Raises: CmaError 2 for what cannot be.
    """
    release = _release(given["number"])
    asked = _boards(database, given["who"])
    boards = [board for board in asked if _has_image(release, board)]
    if not boards:
        raise usage(f"Release {release.sequence} has no image for any of those boards.")
    canaries = _canaries(database, given["canary"])
    divided = waves.divide(boards, release.digest, canaries, waves.parse_waves(given["percents"]))
    if not divided[0]:
        raise usage(f"--canary {given['canary']}: none of those boards is among them; name some.")
    count = sum(len(wave) for wave in divided)
    for text in given["windows"]:
        try:
            windows.parse(text)
        except ValueError as error:
            raise usage(f"--window {text}: {error}.") from None
    terms = Terms(
        failures_max=waves.parse_share(given["limit"], "--max-failures").of(count),
        enough_permille=given["enough"] * 10,
        soak_s=given["soak_min"] * 60,
        silence_s=_silence_s(given["silence_min"]),
        battery_mv=given["battery_mv"],
        windows=tuple(given["windows"]),
        in_flight_max=given["in_flight_max"] or 0,
    )
    rollout = Rollout(
        0,
        release.name,
        release.sequence,
        release.digest,
        terms,
        len(divided),
        started_at_s=now_s,
        changed_at_s=now_s,
        listened_at_s=now_s,
    )
    left_out = [board for board in asked if board not in boards]
    return Plan(rollout, divided, left_out, release)


def _release(number: int | None) -> Release:
    """Return the release that boards believe to be current."""
    from cma_toolkit.host_tools.release.repository import FOLDER, Repository

    repository = Repository(need_folder(Path.cwd()) / FOLDER)
    published = repository.published() if repository.roots() else []
    current = repository.trust().current if published else []
    found = [
        release for release in published if all(part.digest in current for part in release.parts)
    ]
    if not found:
        raise usage("Nothing is published: publish a release with cma release publish.")
    if number not in (None, found[-1].sequence):
        raise usage(
            f"--release {number}: boards take {found[-1].sequence}, which is the current one. "
            "Publish another with cma release publish."
        )
    return found[-1]


def _boards(database: Database, who: Sequence[str]) -> list[BoardRecord]:
    """Return the provisioned boards that selectors name, all of them without any."""
    if not who:
        chosen = [board for board in database.boards() if board.name]
        if not chosen:
            raise usage("The fleet has no boards yet: give them names with cma provision.")
        return chosen
    found: dict[str, BoardRecord] = {}
    for selector in who:
        boards = [board for board in database.find(selector) if board.name]
        if not boards:
            raise usage(f"--to {selector}: no board of the fleet; see cma devices.")
        found.update((board.mac, board) for board in boards)
    return list(found.values())


def _silence_s(given_min: int | None) -> int:
    """Return for how long a board may not be heard: those that sleep long are heard seldom."""
    if given_min is not None:
        return given_min * 60
    fleet = load_fleet(need_folder(Path.cwd()) / FLEET_FILE)
    shared = fleet.settings.get(WAKE_PERIOD)
    periods = [shared.default if shared else 0]
    periods += [cluster.settings.get(WAKE_PERIOD, 0) for cluster in fleet.clusters.values()]
    longest_ms = max((period for period in periods if isinstance(period, int)), default=0)
    return max(_SILENCE_S, _PERIODS * longest_ms // 1_000)


def _canaries(database: Database, text: str) -> waves.Share | list[str]:
    if text[:1].isdecimal():
        share = waves.parse_share(text, "--canary")
        if not share.count:
            raise usage(f"--canary {text}: at least one board goes first; write 1 or more.")
        return share
    boards = database.find(text)
    if not boards:
        raise usage(f"--canary {text}: no board of the fleet, nor a number or share of them.")
    return [board.mac for board in boards]


def _has_image(release: Release, board: BoardRecord) -> bool:
    """Tell whether a release has an image for a board's chip; of an unknown chip it may have."""
    chips = {
        chip
        for part in release.parts
        for family, members in mpy.FAMILIES.items()
        for chip in members
        if part.architecture in (mpy.PORTABLE, family)
    }
    return not board.chip or board.chip in chips
