"""What a roll-out is made of, as values. Instants are Unix seconds, 0: never."""

from dataclasses import dataclass

RUNNING, PAUSED, HALTED, ABORTED, DONE = "running", "paused", "halted", "aborted", "done"
OPEN_STATES = (RUNNING, PAUSED, HALTED)
NOBODY = 0  # no board has this node id


@dataclass(frozen=True)
class Report:
    """What a board tells of itself: `stage` is that of the release numbered `target`.

    `sequence` is what it runs, 0 if that never was a release. Stages: idle, fetching, trial,
    confirmed, rejected; `reason` numbers why it was rejected.

    Units: `used_uah` in all its sessions for `target`, 0: not known.
    """

    node: int
    sequence: int
    stage: str = "idle"
    target: int = 0
    done_permille: int = 0
    battery_mv: int = 0
    reason: int = 0
    used_uah: int = 0


@dataclass(frozen=True)
class Offer:
    """Which boards may take which release, by their node ids: nobody else may.

    `generation` grows whenever an offer changes, so that boards know an old one that comes late.
    `nodes` are (NOBODY,) for one that is withdrawn.
    """

    generation: int
    sequence: int
    digest: str
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Terms:
    """What a person decided of a roll-out.

    Units: `failures_max` boards, `canary_failures_max` of them canaries; `enough_permille` of the
    boards of open waves must have the release, for `soak_s`, before the next wave opens; a board
    is silent after `silence_s`. `windows` are as windows.py reads them, none: always. No
    more than `in_flight_max` boards fetch it or try it at once, 0: as many as there are.
    """

    failures_max: int = 0
    canary_failures_max: int = 0
    enough_permille: int = 900
    soak_s: int = 0
    silence_s: int = 21_600
    battery_mv: int = 0
    windows: tuple[str, ...] = ()
    in_flight_max: int = 0


@dataclass(frozen=True)
class Rollout:
    """A roll-out; waves up to `wave` are open, and somebody listened at `listened_at_s`.

    `offered_to` is a digest of the nodes of its offer of that `generation`.
    """

    id: int
    name: str
    sequence: int
    digest: str
    terms: Terms
    waves: int
    wave: int = 0
    state: str = RUNNING
    why: str = ""
    generation: int = 0
    offered_to: str = ""
    started_at_s: int = 0
    changed_at_s: int = 0
    listened_at_s: int = 0


@dataclass(frozen=True)
class Member:
    """A board in a roll-out; `why` says why it failed.

    Units: `used_uah` for the update as it tells, 0: not known.
    """

    mac: str
    name: str
    kind: str
    wave: int
    stage: str = "waiting"
    why: str = ""
    done_permille: int = 0
    battery_mv: int = 0
    changed_at_s: int = 0
    heard_at_s: int = 0
    used_uah: int = 0


@dataclass(frozen=True)
class Run:
    """How a roll-out went in one rehearsal.

    Units: `used_uah` for the update, of a board on average, and what boards told of it, which is
    less where the last they said was lost; `errors` that applications raised.
    Shape: `why` it halted, "" if it did not; `lacking` are names of boards that do not have the
    release at the end, and why not.
    """

    took_s: int
    used_uah: int
    failed: int
    bricked: int
    state: str
    errors: int = 0
    why: str = ""
    lacking: tuple[tuple[str, str], ...] = ()
    told_uah: int = 0


@dataclass(frozen=True)
class Prediction:
    """What rehearsals of a release said, for so many boards."""

    digest: str
    at_s: int
    boards: int
    runs: tuple[Run, ...]

    def likely(self, field: str) -> int:
        """Return the median of the runs for one of their numbers."""
        return int(sorted(getattr(run, field) for run in self.runs)[len(self.runs) // 2])

    def span(self, field: str) -> tuple[int, int, int]:
        """Return the least, the median and the most of it."""
        values = [getattr(run, field) for run in self.runs]
        return min(values), self.likely(field), max(values)
