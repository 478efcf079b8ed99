"""What becomes of a board's files when it is adopted. Pure: names and bytes in, a plan out.

Old `main.py` becomes the application: `/user/app.py`, byte for byte. Our firmware imports it at
start, so a program that never returns runs as before; it has no agent until it gets a
`setup(agent)`. All other files come back in `/user` at their old paths.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cma_toolkit.boards.flash_map import Partition, size_text
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.flash.consent import is_stock_boot, name_some
from cma_toolkit.host_tools.flash.files_on_board import Holdings, Kind

APPLICATION = "app.py"
OLD_MAIN = "main.py"
OLD_BOOT = "boot.py"
Content = TypeVar("Content")


@dataclass(frozen=True)
class AdoptPlan:
    """Where each file goes: `moves` maps the old path to the one below `/user`."""

    moves: Mapping[str, str]
    notes: tuple[str, ...]


def plan_files(sizes: Mapping[str, int], old_boot: bytes) -> AdoptPlan:
    """Decide where each of the board's files goes."""
    moves = {path: path for path in sorted(sizes)}
    notes = []
    if OLD_BOOT in moves and is_stock_boot(old_boot):
        del moves[OLD_BOOT]
        notes.append("boot.py is MicroPython's own, all comments: ours takes its place")
    elif OLD_BOOT in moves:
        notes.append(
            "boot.py comes back as /user/boot.py but no longer runs at start: "
            "import it from app.py if the application needs what it does"
        )
    if OLD_MAIN in moves and APPLICATION in moves:
        notes.append(
            "there is an app.py already: it becomes the application, main.py comes back beside it"
        )
    elif OLD_MAIN in moves:
        moves[OLD_MAIN] = APPLICATION
        notes.append("old main.py becomes the application, /user/app.py")
    return AdoptPlan(moves, tuple(notes))


def moved(files: Mapping[str, bytes], plan: AdoptPlan) -> dict[str, bytes]:
    """Return the contents of `/user`: every file that comes back, at its new path."""
    return {target: files[source] for source, target in plan.moves.items()}


def check_readable(holdings: list[Holdings]) -> None:
    """Refuse a file system whose files could not come back.

    Raises: CmaError.
    """
    for held in holdings:
        if held.kind is Kind.FAT:
            raise refused(
                f"The board's file system ({held.label}) is FAT, which cma cannot bring back. "
                "Copy your files with: mpremote cp -r : backup/ and then use: cma flash --yes"
            )
        if held.kind is Kind.UNKNOWN:
            raise refused(
                f"The partition {held.label} holds data that is no littlefs or a damaged one, "
                "which cma cannot bring back. Copy what you need from it with the program that "
                "wrote it, and then use: cma flash --yes"
            )


def merged(volumes: Sequence[tuple[str, Mapping[str, Content]]]) -> dict[str, Content]:
    """Join the files of several file systems, each given by its label.

    A path that is taken already comes back in a folder named after its file system.
    Raises: CmaError if that is taken too.
    """
    files: dict[str, Content] = {}
    for label, volume in volumes:
        for path, content in volume.items():
            target = f"{label}/{path}" if path in files else path
            if target in files:
                raise refused(
                    f"The board has three files that would come back as {target}. "
                    "Rename one of them on the board, then run cma adopt again."
                )
            files[target] = content
    return files


def lines(
    plan: AdoptPlan,
    sizes: Mapping[str, int],
    flash_size_bytes: int,
    backup: str,
    partitions: tuple[Partition, ...],
) -> list[str]:
    """Say what adopting will do, for a person to read before it is done."""
    back = sorted(plan.moves)
    comes = f"{name_some(back)} come back" if back else "no files to bring back"
    flash_map = ", ".join(f"{part.label} {size_text(part.size_bytes)}" for part in partitions)
    total = sum(sizes[path] for path in back)
    return [
        f"back up {size_text(flash_size_bytes)} to {backup}",
        f"new flash map: {flash_map}",
        f"{comes}, {size_text(total)}",
        *plan.notes,
    ]
