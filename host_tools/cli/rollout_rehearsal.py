"""Rehearse a roll-out: an emulated fleet like the one in the database takes the release."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.index import image_digest, index_of
from cma_toolkit.firmware.kernel.release.manifest import Manifest, to_bytes
from cma_toolkit.host_tools.cli import rollout_reasons as reasons
from cma_toolkit.host_tools.cli.rollout_plan import WAKE_PERIOD, Plan
from cma_toolkit.host_tools.cli.rollout_world import EmulatedRollout
from cma_toolkit.host_tools.cli.sim_progress import showing
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.database import BoardRecord, Database
from cma_toolkit.host_tools.fleet.project import APPLICATION, Project, load_project, need_folder
from cma_toolkit.host_tools.fleet.sightings import Sightings
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Part, Release
from cma_toolkit.host_tools.release.published import Published
from cma_toolkit.host_tools.release.repository import FOLDER, TIMESTAMP, Repository
from cma_toolkit.host_tools.rollout import stages
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.reach import Reach, of_cluster
from cma_toolkit.host_tools.rollout.records import Prediction, Run
from cma_toolkit.host_tools.rollout.store import Store
from cma_toolkit.sim.rollout.interrupted import interrupted
from cma_toolkit.sim.rollout.world import Conditions, Member
from cma_toolkit.sim.world.app_loader import AppError, load_setup

_AWAKE_MS = 10_000  # how soon who never sleeps hears an offer
_DAY_S = 86_400


class Rehearsal:
    """A planned roll-out, and the emulated fleet that it is tried on.

    What is known of its links and batteries is in the fleet's `database`. Where it is `is_quick`,
    boards run no application but live by their schedule. Units: `hours` end a run; of the boards
    `interrupted_percent` lose power once in their update, other ones in each run.
    Raises: CmaError 2 for a project that does not read.
    """

    def __init__(
        self,
        planned: Plan,
        database: Database,
        *,
        loss_percent: int,
        interrupted_percent: int,
        hours: int,
        is_quick: bool,
    ) -> None:
        folder = need_folder(Path.cwd())
        project, repository = load_project(folder), Repository(folder / FOLDER)
        boards = [board for wave in planned.waves for board in wave]
        part = _part_for(planned.release, boards)
        earlier = _earlier(repository, planned.release, part)
        self._planned = planned
        self._minutes = hours * 60
        self._interrupted_permille = interrupted_percent * 10
        self._reach = _reach(boards, database, loss_percent, planned.rollout.terms.silence_s)
        batteries = _batteries(database)
        self._members = [
            _member(one, project, batteries.get(one.mac, 0), self._reach[one.mac])
            for one in boards
        ]
        setup = None if is_quick else _application(folder)
        self._conditions = replace(
            _conditions(part, earlier, repository, loss_percent), setup=setup
        )
        self._release = Published(part, *_documents(repository), [each.image for each in earlier])

    def run(self, seeds: range, style: str) -> Prediction:
        """Return how it goes with one seed after another; `style` is that of the progress."""
        runs: list[Run] = []
        with showing(style, "boards updated") as show:
            for seed in seeds:
                before = len(runs) * len(self._members)
                before_s = sum(run.took_s for run in runs)

                def tell(
                    done: int,
                    seconds: int,
                    events: int,
                    before: int = before,
                    before_s: int = before_s,
                ) -> None:
                    show(
                        before + done, len(seeds) * len(self._members), before_s + seconds, events
                    )

                runs.append(self.run_once(seed, tell))
        planned = self._planned
        at_s = planned.rollout.started_at_s
        return Prediction(planned.release.digest, at_s, len(self._members), tuple(runs))

    def run_once(self, seed: int, on_progress: Callable[[int, int, int], Any]) -> Run:
        """Return how it goes with one seed."""
        planned = self._planned
        with TemporaryDirectory() as folder, Database(Path(folder) / "fleet.db") as database:
            database.read("PRAGMA synchronous = OFF")
            store = Store(database)
            store.begin(planned.rollout, planned.waves)
            world = EmulatedRollout(
                store,
                self._release,
                interrupted(
                    self._members,
                    self._interrupted_permille,
                    len(self._conditions.image),
                    seed,
                ),
                self._conditions,
                seed=seed,
                start_s=planned.rollout.started_at_s,
                is_able=lambda rollout, member: reasons.is_able(
                    rollout, member, self._reach[member.mac]
                ),
            )
            ended = world.run(self._minutes, on_progress)
            rollout = store.newest()
            assert rollout is not None
            members = store.members(rollout)
        failed = sum(1 for member in members if member.stage in stages.BAD)
        lacking = reasons.lacking(rollout, members, self._reach, ended.raised)
        bricked = Counter(ended.boards.values())["bricked"]
        used_uah = sum(ended.used_uah.values()) // len(self._members)
        took_s = ended.took_ms // 1000
        return Run(
            took_s,
            used_uah,
            failed,
            bricked,
            ended.state,
            ended.errors,
            rollout.why,
            lacking,
            stages.told_uah(members),
        )


def _application(folder: Path) -> Callable[[Any], object]:
    try:
        return load_setup(str(folder / APPLICATION))
    except AppError as error:
        raise usage(f"{error} Or rehearse without it: --quick.") from error


def _reach(
    boards: Sequence[BoardRecord], database: Database, loss_percent: int, silence_s: int
) -> dict[str, Reach]:
    """Return who hears whom in each cluster, as was seen last."""
    sightings, silence_s = Sightings(database), max(_DAY_S, silence_s)
    seen = sightings.all()
    # A pair may have lost each other since: what counts of boards counts of pairs.
    newest_s = max((each.heard_at_s for each in seen.values()), default=0)
    links = sightings.links(newest_s - silence_s)
    clusters: dict[str, list[BoardRecord]] = {}
    for board in boards:
        clusters.setdefault(board.cluster, []).append(board)
    found: dict[str, Reach] = {}
    for own in clusters.values():
        found |= of_cluster(
            own,
            seen,
            links,
            loss_permille=loss_percent * 10,
            silence_s=silence_s,
        )
    return found


def _batteries(database: Database) -> dict[str, int]:
    """Return the millivolts that boards told last, by MAC address."""
    heard = Sightings(database).all().values()
    told = {each.mac: each.battery_mv for each in heard if each.battery_mv}
    return {**Store(database).batteries(), **told}


def _member(board: BoardRecord, project: Project, battery_mv: int, reach: Reach) -> Member:
    row, shared = project.row(board.name), project.fleet.settings.get(WAKE_PERIOD)
    period = row.settings.get(WAKE_PERIOD, 0) if row else (shared.default if shared else 0)
    kind = project.boards.get(board.board)
    return Member(
        node_of(board.mac),
        board.cluster,
        period if isinstance(period, int) and period > 0 else _AWAKE_MS,
        battery_mv,
        currents_ua=kind.current_ua if kind else {},
        settings=row.settings if row else {WAKE_PERIOD: period},
        edge_permille=reach.edge_permille,
        deaf_to=frozenset(node_of(mac) for mac in reach.deaf_to),
    )


def _part_for(release: Release, boards: Sequence[BoardRecord]) -> Part:
    """Return the image that most of the boards take."""
    wanted = Counter(
        part.architecture
        for board in boards
        for part in release.parts
        if board.chip in mpy.FAMILIES.get(part.architecture, (board.chip,))
    )
    return max(release.parts, key=lambda part: wanted[part.architecture])


def _earlier(repository: Repository, release: Release, part: Part) -> list[Part]:
    """Return the images of earlier releases for the same boards, the newest last."""
    return [
        each
        for other in repository.published()
        if other.sequence < release.sequence
        for each in other.parts
        if each.architecture == part.architecture
    ]


def _documents(repository: Repository) -> tuple[bytes, dict[int, bytes]]:
    versions = repository.roots()
    roots = {version: repository.read(repository.root_path(version)) for version in versions}
    return repository.read(repository.folder / TIMESTAMP), roots


def _conditions(
    part: Part, earlier: Sequence[Part], repository: Repository, loss_percent: int
) -> Conditions:
    """Return a world in which boards run the release before, or one that nothing is known of."""
    image = earlier[-1].image if earlier else bytes(len(part.image))
    sequence = earlier[-1].manifest.sequence if earlier else 0
    kind = part.manifest.class_id
    manifest = Manifest(sequence, kind, image_digest(image), len(image))
    manifest.mpy = part.manifest.mpy
    root = bytes(Envelope(repository.read(repository.newest_root_path())).payload)
    by_hand = papers.to_bytes(documents.envelope(to_bytes(manifest)), index_of(image), root)
    return Conditions(image, by_hand, root, kind, manifest.mpy, sequence, loss_percent * 10)
