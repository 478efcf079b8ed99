"""The MicroPythons of a release that is being made: from files, or by version from the store."""

from collections.abc import Sequence
from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.cli.micropython import known_boards, open_store
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.flash.store import (
    VERSION,
    VERSION_MIN,
    board_of,
    read_image_file,
    version_key,
)
from cma_toolkit.host_tools.image import app_image, micropython, mpy
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.artefact import Numbers, Part, Release
from cma_toolkit.host_tools.release.runtime_image import PLACES, build_over_the_air

_APP_SUFFIX = ".app-bin"


def runtimes_for(
    chosen: Sequence[str], numbers: Numbers, project: Path | None, last: Release | None
) -> tuple[Part, ...]:
    """Return the MicroPythons of a release: those chosen, else those of the release before.

    `chosen` are files, or versions of which the store has an image for each board of the project.
    Raises: CmaError 2 for what is not there or not enough, 4 for what boards would refuse.
    """
    if not chosen:
        return last.runtimes if last else ()
    boards = [board for board in known_boards(project) if build_over_the_air(board)]
    images: dict[str, bytes] = {}
    needed = _needed(boards, project)
    for one in chosen:
        if VERSION.fullmatch(one):
            images |= _of_version(one, needed, project)
        else:
            build, image = _of_file(Path(one), boards)
            images[build] = image
    lacking = {build_over_the_air(board) for board in needed} - set(images)
    if lacking:
        raise usage(
            f"Boards of this project need {' and '.join(sorted(lacking))}, too: name a file of "
            "each with --micropython, or a version."
        )
    made = mpy.compiler()[1]
    return tuple(
        artefact.make_runtime(build, image, made, numbers)
        for build, image in sorted(images.items())
    )


def _of_version(version: str, boards: Sequence[Board], project: Path | None) -> dict[str, bytes]:
    """Return the image of a version for each build that boards have."""
    if not boards:
        raise usage(
            "No board of inventory.csv has two places for MicroPython: name files, or see cma "
            "release create --help."
        )
    store, found = open_store(project), {}
    for board in boards:
        build = build_over_the_air(board)
        release = store.find(build, version)
        if release is None:
            raise usage(
                f"MicroPython {version} for {build} is not on this computer: get it with "
                f"cma micropython fetch --board {board.id} --version {version}"
            )
        found[build] = _application(store.read(release), release.file, [board])
    return found


def _of_file(path: Path, boards: Sequence[Board]) -> tuple[str, bytes]:
    """Return the build that a file is of, and the application in it."""
    data = read_image_file(path)
    try:
        chip = micropython.chip_of(data)
    except ImageError as error:
        raise refused(f"{path} is no MicroPython: {error}") from error
    fitting = [board for board in boards if board.chip == chip]
    if not fitting:
        raise usage(
            f"{path} is for {chip}, of which no board here has two places for MicroPython: see "
            "cma release create --help."
        )
    builds = {build_over_the_air(board) for board in fitting}
    named = board_of(path.name.removesuffix(_APP_SUFFIX).removesuffix(".bin") + ".bin")
    if named not in builds and (named or len(builds) > 1):
        raise usage(
            f"{path}: its name does not say for which build it is, {' or '.join(sorted(builds))}. "
            "Name it as micropython.org does."
        )
    build = named or min(builds)
    fitting = [board for board in fitting if build_over_the_air(board) == build]
    return build, _application(data, str(path), fitting)


def _application(data: bytes, what: str, boards: Sequence[Board]) -> bytes:
    """Return the application in an image, with nothing around it.

    Raises: CmaError 4 for one that boards could not run.
    """
    try:
        first, size = app_image.from_bytes(data, what)
        if first.description is None:
            parts = micropython.split(data, first.chip)
            app, identity = parts.app, parts.identity
        else:
            app, identity = data[:size], micropython.identify(first)
    except ImageError as error:
        raise refused(str(error)) from error
    if not identity.is_micropython:
        raise refused(f"{what} is not MicroPython: take one of micropython.org/download")
    newest = mpy.compiler()[0]
    if not VERSION_MIN <= version_key(identity.version) <= version_key(newest):
        least = ".".join(str(number) for number in VERSION_MIN)
        raise refused(
            f"{what} is MicroPython {identity.version}: images of this cma run on {least} to "
            f"{newest}. Choose one of those, or install a newer cma-toolkit."
        )
    room = min(board.partition(PLACES[0]).size_bytes for board in boards)
    if len(app) > room:
        raise refused(
            f"{what} has {len(app)} bytes, and a place for it {room}: choose a smaller one."
        )
    return app


def _needed(boards: Sequence[Board], project: Path | None) -> list[Board]:
    """Return the boards of a project's inventory that get MicroPython over the air."""
    from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet
    from cma_toolkit.host_tools.fleet.inventory import INVENTORY_FILE, load_inventory

    by_id = {board.id: board for board in boards}
    if project is None or not (project / INVENTORY_FILE).is_file():
        return []
    known = [board.id for board in known_boards(project)]
    rows = load_inventory(project / INVENTORY_FILE, load_fleet(project / FLEET_FILE), known)
    return [by_id[one] for one in sorted({row.board for row in rows}) if one in by_id]
