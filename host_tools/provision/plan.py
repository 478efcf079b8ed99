"""The difference between what a board shall hold and what it holds. Pure.

Secrets are compared by fingerprint and appear in no text, not even changed or not by length.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cma_toolkit.host_tools.errors import needs_yes, refused
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.provision.actual import Actual
from cma_toolkit.host_tools.provision.desired import KEYS, REVISION_KEY, Desired, Stored, shown

APPLICATION = "application"
ASIDE = "set aside as .old"


@dataclass(frozen=True)
class Change:
    """One thing that will differ afterwards, in words."""

    what: str
    before: str
    after: str

    def line(self) -> str:
        """Return the change as one line."""
        return f"{self.what}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Plan:
    """What to write to one board so that it holds what its row says; empty if it does.

    `image` says whether its image is another one, `set_aside` which files run instead of it.
    """

    changes: tuple[Change, ...]
    values: Mapping[str, Stored]
    erase: tuple[str, ...]
    image: bool
    set_aside: tuple[str, ...]
    revision: int

    @property
    def touches_nvs(self) -> bool:
        """Return whether anything but the application changes."""
        return len(self.changes) > self.image + len(self.set_aside)


def make_plan(desired: Desired, actual: Actual, salt: bytes, used_revision: int = 0) -> Plan:
    """Compare key by key, then the application.

    `used_revision` is the last one that the board is known to have had: a board that was cut off
    in the middle has none, and a number must not come twice.
    """
    values = {
        key: value for key, value in desired.keys.items() if not _equal(key, value, actual, salt)
    }
    present = {*actual.keys, *actual.fingerprints} - {REVISION_KEY}
    erase = tuple(key for key in KEYS if key in present and key not in desired.keys)
    revision = actual.keys.get(REVISION_KEY, 0)
    assert isinstance(revision, int)
    torn = REVISION_KEY not in actual.keys
    next_revision = max(revision, used_revision) + 1
    changes = [_change(key, desired, actual) for key in KEYS if key in values or key in erase]
    if torn and not changes:
        changes.append(Change(REVISION_KEY, "none, cut off in the middle", str(next_revision)))
    new_revision = next_revision if changes else revision
    image = actual.image != desired.image.sha256
    if image:
        changes.append(Change(APPLICATION, actual.application or "nothing", _told(desired.image)))
    changes += [Change(path, "runs instead of the image's", ASIDE) for path in actual.shadows]
    return Plan(tuple(changes), values, erase, image, actual.shadows, new_revision)


def check_board(desired: Desired, actual: Actual, fleet: str, port: str, *, yes: bool) -> None:
    """Refuse a board that is not ready, not of the row's kind, or somebody else's.

    Raises: CmaError 4 for a board that is not flashed or has another chip, 8 without `yes`.
    """
    check_flashed(actual, port)
    if actual.chip and actual.chip != desired.chip:
        raise refused(
            f"{desired.name} is to be {desired.board_id} ({desired.chip}), the board at {port} is "
            f"{actual.chip}. Correct its line in the inventory, or plug in the right board."
        )
    if is_anothers(actual, desired.name, fleet) and not yes:
        raise needs_yes(
            f'The board at {port} is "{actual.name}" of fleet "{actual.fleet}". '
            f'Run with --yes to make it "{desired.name}" of "{fleet}".'
        )


def is_anothers(actual: Actual, name: str, fleet: str) -> bool:
    """Return whether the board was provisioned for another fleet or under another name."""
    return (actual.fleet or fleet, actual.name or name) != (fleet, name)


def check_flashed(actual: Actual, port: str) -> None:
    """Refuse a board without our flash map.

    Raises: CmaError 4.
    """
    if not actual.ours:
        raise refused(
            f"The board at {port} runs MicroPython but has no room for an agent. "
            f"Run: cma flash -p {port}, or: cma adopt {port} to keep its files."
        )


def _equal(key: str, value: Stored, actual: Actual, salt: bytes) -> bool:
    if isinstance(value, Secret):
        return actual.fingerprints.get(key) == value.fingerprint(salt)
    return actual.keys.get(key) == value


def _change(key: str, desired: Desired, actual: Actual) -> Change:
    before = actual.keys.get(key)
    assert not isinstance(before, int)
    was = "***" if key in actual.fingerprints else shown(key, before)
    return Change(key, was, shown(key, desired.keys.get(key)))


def _told(image: Image) -> str:
    return f"{image.name} {image.sources}, {len(image.data)} bytes"
