"""An updater does the same on both runtimes with what it hears, by each runtime's own inflate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.firmware.kernel.release.slots import WHOLE
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.sim.world import micropython
from support.heard import Heard
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.updating import (
    NETWORK,
    Air,
    EdgeStation,
    UpdatingBoard,
    changed,
    image,
    part_of,
    published,
)

SCRIPT = Path(__file__).parents[1] / "support" / "update_replay.py"
OLD = image(1)
NEW = changed(OLD)


@pytest.mark.parametrize("base", [True, False])
def test_an_updater_does_the_same_on_both_runtimes(tmp_path: Path, base: bool) -> None:
    edge, boards = EdgeStation(), [UpdatingBoard(node, OLD) for node in (1, 2)]
    edge.offer(published(part_of(NEW, 2), [OLD] if base else []))
    for board in boards:
        board.boot()
    heard = boards[0].machine = Heard(boards[0].machine)
    air = Air([edge, *boards], 0.2, seed=7)
    air.start()
    air.run(60_000)
    assert boards[0].outcome == DONE_WHOLE
    given = {
        "image": OLD.hex(),
        "papers": papers.to_bytes(part_of(OLD, 1).envelope, index_of(OLD), FIRST.to_bytes()).hex(),
        "root": FIRST.to_bytes().hex(),
        "class_id": CLASS_ID.hex(),
        "mpy": MPY,
        "node": 1,
        "network": NETWORK,
        "seed": boards[0].session_seed,
    }
    path = tmp_path / "heard"
    path.write_text("\n".join([json.dumps(given), *heard.lines]))
    root = micropython.import_root(tmp_path)
    deeds = []
    for command in ([sys.executable], [*micropython.interpreter(), "-X", "heapsize=8M"]):
        done = subprocess.run(
            [*command, str(SCRIPT), str(path)],
            env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        deeds.append(json.loads(done.stdout))
    assert deeds[0] == deeds[1]
    assert (deeds[0]["outcome"], deeds[0]["states"][1]) == (DONE_WHOLE, WHOLE)
    sent = [frame for _, node, frame in air.sent if node == 1]
    assert deeds[0]["frames"] == len(sent)
