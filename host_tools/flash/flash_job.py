"""Flash one board: look, judge, write what differs, verify, restart, see it run.

Everything that can be refused is refused before the first byte is written. Power, cable or Ctrl-C
may end a run at any point; the same command completes it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any, Protocol

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.boards.flash_map import SECTOR_BYTES, TABLE_OFFSET, Partition
from cma_toolkit.boards.load import DEFAULT_BOARD_IDS, Board, load_board
from cma_toolkit.host_tools.errors import CmaError, no_device, refused, usage, verify_failed
from cma_toolkit.host_tools.flash import consent, plan
from cma_toolkit.host_tools.flash.agent import Agent, check_fits, is_there, make_agent
from cma_toolkit.host_tools.flash.agent import regions as agent_regions
from cma_toolkit.host_tools.flash.boot_check import watch_start
from cma_toolkit.host_tools.flash.contents import contents_for, identify
from cma_toolkit.host_tools.flash.device import Chip, Device, open_device
from cma_toolkit.host_tools.flash.files_on_board import (
    Holdings,
    Read,
    read_files,
    remembering,
    survey,
)
from cma_toolkit.host_tools.flash.old_files import check_unchanged, partitions_in
from cma_toolkit.host_tools.flash.store import check_version
from cma_toolkit.host_tools.flash.table_state import (
    ADOPTING,
    FLASHING,
    Table,
    TableState,
    judge,
)
from cma_toolkit.host_tools.image import mpy, nvs, partition_table
from cma_toolkit.host_tools.image.build import Image, open_image
from cma_toolkit.host_tools.ports.workers import Reporter
from cma_toolkit.host_tools.release.runtime_image import build_over_the_air

ANY_BOARD = "*"
BAUD = 460_800
NO_APPLICATION = "none"


@dataclass(frozen=True, kw_only=True)
class FlashOptions:
    """What is asked for every board of a run; every field survives JSON.

    `user_image` replaces the user's file system by what `backup` held (adopt). With `only_macs`
    no other board is written: a port is no proof of who is behind it. With `image_only` nothing
    but the agent's image is written, to a board that has our flash map.
    """

    board: str = ""
    yes: bool = False
    erase: bool = False
    dry_run: bool = False
    baud: int = BAUD
    wait_s: float = 0.0
    user_image: str = ""
    backup: str = ""
    backup_sha256: str = ""
    only_macs: Sequence[str] = ()
    image_only: bool = False

    @property
    def adopting(self) -> bool:
        """Say whether the user's files come back from a backup."""
        return bool(self.backup_sha256)


@dataclass(frozen=True, kw_only=True)
class FlashRequest(FlashOptions):
    """What the command asks of one worker.

    `images` maps the name of a MicroPython build, or `*`, to the file to flash, `romfs` the
    architecture of native code, or `*`, to the agent's image; `loader` is that file, `root` the
    document that the board is to believe, empty for none, `envelopes` the signed manifest for the
    SHA-256 of an image of a release; `boards_by_mac` is what the project's inventory knows,
    `default_boards` what to take else.
    """

    url: str
    romfs: dict[str, str]
    images: dict[str, str]
    loader: str = ""
    project: str = ""
    root: str = ""
    envelopes: dict[str, str] = field(default_factory=dict)
    boards_by_mac: dict[str, str] = field(default_factory=dict)
    default_boards: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_BOARD_IDS))


class Choice(Protocol):
    """How the kind of a board is told."""

    @property
    def board(self) -> str:
        """As the person said; empty to let fleet and chip decide."""

    @property
    def project(self) -> str:
        """The project's folder; empty outside one."""

    @property
    def boards_by_mac(self) -> dict[str, str]:
        """What the fleet knows."""

    @property
    def default_boards(self) -> dict[str, str]:
        """What to take for a chip."""


@dataclass(frozen=True)
class Found:
    """A connected board, and what was found in its flash."""

    chip: Chip
    board: Board
    state: TableState
    at_risk: tuple[str, ...]
    old_file_systems: tuple[Partition, ...] = ()


def flash(request: FlashRequest, reporter: Reporter) -> dict[str, Any]:
    """Carry out one request.

    Returns: what was done; or `needs_micropython`, the build that must be fetched first.
    Raises: CmaError.
    """
    with connected(request.url, request.baud, request.wait_s, reporter) as (device, chip):
        check_meant(chip.mac, request)
        board = choose_board(request, chip, reporter)
        agent = agent_image(request, chip)
        if request.image_only:
            parts = _agent(request, chip, board, agent)
            return write_image(device, chip, board, parts, reporter)
        image = request.images.get(board.micropython.image_name()) or request.images.get(ANY_BOARD)
        if not image:
            return {"needs_micropython": board.micropython.image_name(), "board": board.id}
        reporter.step("check")
        contents, version = _contents(board, Path(image))
        parts = _agent(request, chip, board, agent)
        found = look(device, request, chip, board, contents.table)
        consent.check_consent(
            found.state, found.at_risk, adopting=request.adopting, yes=request.yes
        )
        if request.adopting:
            backup = Path(request.backup).read_bytes()
            check_unchanged(device.md5, found.old_file_systems, backup)
        regions = regions_for(device, request, found, contents, parts)
        result = {
            "board": board.id,
            "chip": chip.name,
            "mac": chip.mac,
            "micropython": version,
            "application": parts.called or NO_APPLICATION,
            "at_risk": list(found.at_risk),
        }
        if request.dry_run:
            return {**result, **_compare(device, regions, reporter), "dry_run": True}
        if request.erase and found.state.table is not Table.BLANK:
            reporter.step("erase")
            device.erase_all()
        result |= write_regions(device, regions, reporter)
        if request.adopting:
            reporter.step("compare files")
            compare_files(device, board, Path(request.user_image).read_bytes())
        return {**result, "boot": restart(device, reporter)}


def agent_image(request: FlashRequest, chip: Chip) -> Image:
    """Return the agent's image for a chip.

    Raises: CmaError 4 if its native code is for another one.
    """
    family = mpy.family_of(chip.name)
    only = next(iter(request.romfs), "")
    path = request.romfs.get(family) or request.romfs[only]
    image = open_image(Path(path).read_bytes(), path)
    is_virtual = image.architecture == only not in mpy.FAMILIES
    if image.architecture not in (mpy.PORTABLE, family) and not is_virtual:
        raise refused(
            f"The image has native code for {image.architecture}, but this is an {chip.name}. "
            f"Build it for this board: cma build --chip {chip.name}"
        )
    return image


def write_image(
    device: Device, chip: Chip, board: Board, agent: Agent, reporter: Reporter
) -> dict[str, Any]:
    """Write the loader and the agent's image and nothing else.

    Raises: CmaError 4 for a board with another flash map.
    """
    reporter.step("check")
    sector = device.read(TABLE_OFFSET, SECTOR_BYTES)
    if judge(sector, partition_table.to_bytes(board.partitions)).table is not Table.OURS:
        raise refused(
            f"The board has not the flash map of {board.id}. Run cma flash, then this again."
        )
    regions = agent_regions(
        agent, board.partitions, keep=is_there(device, agent, board.partitions)
    )
    result = {
        "board": board.id,
        "chip": chip.name,
        "mac": chip.mac,
        "application": agent.called or NO_APPLICATION,
    }
    return {
        **result,
        **write_regions(device, regions, reporter),
        "boot": restart(device, reporter),
    }


def check_meant(mac: str, options: FlashOptions) -> None:
    """Refuse a board that is not one of those named.

    Raises: CmaError 3.
    """
    if options.only_macs and mac not in options.only_macs:
        raise no_device(
            f"The board here is {mac}, not {' or '.join(options.only_macs)}: boards have changed "
            "places. Run cma devices, then this again."
        )


@contextlib.contextmanager
def connected(
    url: str, baud: int, wait_s: float, reporter: Reporter
) -> Iterator[tuple[Device, Chip]]:
    """Connect to a chip's loader; whatever happens inside, let the board run again after it."""
    reporter.step("connect")
    device = open_device(url, baud, wait_s, reporter.note)
    try:
        chip = device.connect()
        try:
            yield device, chip
        finally:
            if not device.left:
                with contextlib.suppress(CmaError):
                    device.leave()
    finally:
        device.close()


def choose_board(request: Choice, chip: Chip, reporter: Reporter) -> Board:
    """Return the board's file and check that this chip can be that board.

    Raises: CmaError.
    """
    if chip.locked_by:
        plan.check_chip(chip, request.board, chip.name, ())
    board_id, said = plan.board_for(
        chip, request.board, request.boards_by_mac, request.default_boards
    )
    if said:
        reporter.note(said)
    try:
        board = load_board(board_id, Path(request.project) if request.project else None)
    except BoardFileError as error:
        raise usage(str(error)) from error
    plan.check_chip(chip, board.id, board.chip, board.partitions)
    return board


def look(device: Device, request: FlashRequest, chip: Chip, board: Board, table: bytes) -> Found:
    """Find out whose table lies on the board and which files a write would cost."""
    sector = device.read(TABLE_OFFSET, SECTOR_BYTES)
    state = judge(sector, table)
    theirs = partitions_in(sector, chip.flash_size_bytes)
    areas = consent.areas_to_survey(state, board.partitions, theirs, request.erase)
    read = remembering(device.read)
    holdings = [survey(read, part.label, part.offset, part.size_bytes) for part in areas]
    root = _root_files(read, state, areas, holdings)
    risks = consent.at_risk(state, theirs, holdings, root)
    old = areas if state.table is Table.FOREIGN else []
    return Found(chip, board, state, tuple(risks), tuple(old))


def write_regions(
    device: Device, regions: list[plan.Region], reporter: Reporter
) -> dict[str, Any]:
    """Write and verify regions in their order, skipping what is equal."""
    total = sum(len(region.data) for region in regions)
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        reporter.progress(done, total)

    written = {}
    for region in regions:
        reporter.step(f"write {region.label}")
        count = device.write(region.offset, region.data, on_bytes)
        if count:
            written[region.offset] = (region, count)  # a mark is replaced by what replaces it
    reporter.step("verify")
    for region, _ in written.values():
        device.verify(region.offset, region.data)
    written_bytes = sum(count for _, count in written.values())
    return {"written_bytes": written_bytes, "equal_bytes": total - written_bytes}


def compare_files(device: Device, board: Board, image: bytes) -> None:
    """Read the user's files back from flash and compare each with the backup's.

    Raises: CmaError with exit code 5.
    """
    user = plan.find_part(board.partitions, "user")
    wanted = read_files(lambda offset, size: image[offset : offset + size], 0, len(image))
    found = read_files(device.read, user.offset, user.size_bytes)
    wrong = sorted(name for name in wanted if found.get(name) != wanted[name])
    if wrong:
        raise verify_failed(
            f"{', '.join(wrong)} read back otherwise than in the backup. Run cma adopt again."
        )


def restart(device: Device, reporter: Reporter) -> str:
    """Reset the board and say what came up."""
    reporter.step("start")
    device.leave()
    return watch_start(device.port, device.reopen)


def _agent(request: FlashRequest, chip: Chip, board: Board, image: Image) -> Agent:
    root = Path(request.root).read_bytes() if request.root else b""
    signed = request.envelopes.get(image.sha256)
    envelope = Path(signed).read_bytes() if signed else b""
    loader, build = Path(request.loader).read_bytes(), build_over_the_air(board)
    agent = make_agent(loader, image, chip.name, root, envelope, build=build)
    check_fits(agent, board.partitions)
    return agent


def _contents(board: Board, image: Path) -> tuple[plan.Contents, str]:
    data = image.read_bytes()
    facts = identify(data)
    check_version(facts.version)
    contents = contents_for(board, data)
    plan.check_fit(contents, board.micropython.image_offset, board.partitions)
    return contents, facts.version


def regions_for(
    device: Device, request: FlashRequest, found: Found, contents: plan.Contents, agent: Agent
) -> list[plan.Region]:
    """Return what this board gets; settings that are no NVS pages are blanked."""
    partitions = found.board.partitions
    settings = plan.find_part(partitions, "nvs")
    fresh = request.erase or request.adopting or found.state.table is not Table.OURS
    keep_nvs = fresh and nvs.are_sound(device.read(settings.offset, settings.size_bytes))
    user = Path(request.user_image).read_bytes() if request.user_image else contents.empty_user
    mark = f"{ADOPTING} {request.backup_sha256[:16]}" if request.adopting else FLASHING
    keep = not fresh and is_there(device, agent, partitions)
    return plan.regions(
        contents,
        agent_regions(agent, partitions, keep=keep),
        found.board.micropython.image_offset,
        partitions,
        fresh=fresh,
        mark=mark,
        user=user,
        keep_nvs=keep_nvs,
    )


def _root_files(
    read: Read,
    state: TableState,
    areas: list[Partition],
    holdings: list[Holdings],
) -> Mapping[str, bytes]:
    """Read the root's files where their contents decide whose they are."""
    for part, held in zip(areas, holdings, strict=True):
        if consent.root_decides(state, held):
            return read_files(read, part.offset, part.size_bytes)
    return {}


def _compare(device: Device, regions: list[plan.Region], reporter: Reporter) -> dict[str, Any]:
    """Tell how much a run would write, without writing."""
    reporter.step("compare")
    final = {region.offset: region for region in regions}  # the mark comes and goes
    sizes = {"would_write_bytes": 0, "equal_bytes": 0}
    for region in final.values():
        equal = device.md5(region.offset, len(region.data)) == md5(region.data).hexdigest()
        sizes["equal_bytes" if equal else "would_write_bytes"] += len(region.data)
    return {**sizes, "regions": [region.label for region in final.values()]}
