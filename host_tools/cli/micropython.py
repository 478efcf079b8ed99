"""`cma micropython`: the MicroPython releases on this computer."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.boards.load import DEFAULT_BOARD_IDS, Board, list_boards, load_board
from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.progress import print_table
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.flash import download
from cma_toolkit.host_tools.flash.store import (
    PINNED_BY_BOARD,
    Release,
    Store,
    check_version,
    read_image_file,
    store_folder,
    version_key,
)

MIRROR_VARIABLE = "CMA_MIRROR"


@click.group(
    cls=Commands,
    epilog=examples(
        "cma micropython fetch --board esp32-c3-devkitm-1",
        "cma micropython add ~/Downloads/ESP32_GENERIC-20260406-v1.28.0.bin",
        "cma micropython list",
    ),
)
def command() -> None:
    """Fetch, add and list MicroPython releases.

    They lie in the user's cache folder, or in CMA_CACHE. Each one's SHA-256 is checked at every
    use: against the board's file if that names it, else against what its first use recorded.
    """


@command.command(
    epilog=examples(
        "cma micropython fetch",
        "cma micropython fetch --board esp32-s3-devkitc-1 --version 1.28.0",
        "cma micropython fetch --mirror http://fileserver.local/micropython",
    )
)
@click.option("--board", "board_id", metavar="ID", help="For this board; default: one per chip.")
@click.option(
    "--version", default="", metavar="V", help="This version; default: the newest known."
)
@click.option(
    "--mirror",
    envvar=MIRROR_VARIABLE,
    default=download.MIRROR,
    show_default=True,
    metavar="URL",
    help=f"Server laid out like micropython.org ({MIRROR_VARIABLE}).",
)
def fetch(board_id: str | None, version: str, mirror: str) -> None:
    """Download a release from micropython.org and check it."""
    check_version(version)
    store = open_store(project_folder())
    for board in wanted_boards(board_id, project_folder()):
        fetch_release(store, board, version, mirror)


@command.command(epilog=examples("cma micropython add ESP32_GENERIC_C3-20260406-v1.28.0.bin"))
@click.argument("file", type=click.Path(path_type=Path))
def add(file: Path) -> None:
    """Keep a release that you downloaded yourself: for a computer without a network."""
    release = open_store(project_folder()).add(read_image_file(file), file.name, str(file))
    _say(release, "added")


@command.command("list", epilog=examples("cma micropython list", "cma micropython list -o json"))
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def list_releases(output: str) -> None:
    """Show what is there, and who vouches for it."""
    releases = open_store(project_folder()).releases()
    if output == "json":
        click.echo(json.dumps([asdict(release) for release in releases]))
        return
    rows = [
        [item.board, item.version, item.chip, item.pinned_by, item.sha256[:16], item.file]
        for item in releases
    ]
    print_table(["build", "version", "chip", "vouched for by", "sha256", "file"], rows)


def project_folder() -> Path | None:
    """Return the folder of the project around here; its boards come before ours."""
    from cma_toolkit.host_tools.fleet.project import find_folder

    return find_folder(Path.cwd())


def open_store(project: Path | None) -> Store:
    """Open the store, knowing the SHA-256 of every release that a board's file names."""
    from cma_toolkit.host_tools.flash.contents import identify

    pins = {
        release.file: release.sha256
        for board in known_boards(project)
        for release in board.micropython.releases.values()
        if release.sha256
    }
    return Store(store_folder(os.environ), pins, identify)


def known_boards(project: Path | None) -> list[Board]:
    """Return every board there is a file for.

    Raises: CmaError for a wrong file.
    """
    try:
        return list_boards(project)
    except BoardFileError as error:
        raise usage(str(error)) from error


def wanted_boards(board_id: str | None, project: Path | None) -> list[Board]:
    """Return the board of that id, or one board per chip."""
    ids: Sequence[str] = [board_id] if board_id else list(DEFAULT_BOARD_IDS.values())
    try:
        return [load_board(one, project) for one in ids]
    except BoardFileError as error:
        raise usage(str(error)) from error


def fetch_release(
    store: Store,
    board: Board,
    version: str = "",
    mirror: str | None = None,
    *,
    aside: bool = False,
) -> Release:
    """Make sure that the store holds a board's release, downloading it if need be.

    With `aside` the words go to standard error: standard output is another command's.
    Raises: CmaError without a network or with a wrong image.
    """
    mirror = mirror or os.environ.get(MIRROR_VARIABLE, download.MIRROR)
    build = board.micropython.image_name()
    file = _file_of(board, version, mirror)
    for release in store.releases():
        if release.file == file:
            store.read(release)
            _say(release, "is here already", aside)
            return release
    part = store.folder / f".{file}.part"
    label = f"{build} from {mirror}"
    with click.progressbar(length=100, label=label, file=sys.stderr) as bar:
        data = download.fetch_file(mirror, file, part, _advance(bar.update))
    release = store.add(data, file, mirror)
    _say(release, "fetched", aside)
    return release


def _file_of(board: Board, version: str, mirror: str) -> str:
    """Return the file's name: as the board's file says, else as the server lists it."""
    named = [release.file for release in board.micropython.releases.values()]
    build = board.micropython.image_name()
    for key in sorted(board.micropython.releases, key=version_key, reverse=True):
        if not version or version_key(key) == version_key(version):
            return board.micropython.releases[key].file
    listed = download.list_files(mirror, build)
    return download.choose_file(download.newest_first([*named, *listed]), build, version)


def _advance(update: Callable[[int], None]) -> download.OnProgress:
    shown = 0

    def on_progress(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // total if total else 0
        update(percent - shown)
        shown = percent

    return on_progress


def _say(release: Release, what: str, aside: bool = False) -> None:
    known = "SHA-256 as the board's file says"
    first = f"SHA-256 {release.sha256[:16]}… recorded; every later use is held to it"
    vouch = known if release.pinned_by == PINNED_BY_BOARD else first
    text = f"{release.file} {what}: MicroPython {release.version} for {release.chip}, {vouch}"
    click.echo(text, err=aside)
