"""Memory of a virtual board at its prompt, 64 at once, with its share of their supervisor.

The proportional set size: a page that many processes share counts once, divided among them.
"""

from collections.abc import Callable
from pathlib import Path

from support.processes import processes_of
from support.virtual import VirtualBoards, home_of_boards

UNIT = "MB"
AT_MOST = 6.0
COUNT = 64


def measure(say: Callable[[str], None], count: int = COUNT) -> float:
    """Bring so many boards to their prompt; return megabytes per board."""
    with home_of_boards() as home:
        boards = VirtualBoards(home)
        names = [boards.make(prompt=False).name for _ in range(count)]
        for name in names:
            boards.client.wait_for(name, "prompt", 60.0, since=0)
        processes = processes_of(home)
        say(f"{count} boards at a prompt in {len(processes)} processes")
        return sum(map(pss_bytes, processes)) / count / 1e6


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process.

    Source: proc(5), smaps_rollup.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no proportional set size")
