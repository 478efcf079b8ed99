"""Boards enrolled from blank in one command, again at once, and again after unplugs, in percent.

The second run must write nothing. Then ten boards get new keys, and their power fails in the
middle; after one run more all are whole. At the end the disk, what the commands said and the
memory of a process that enrolled are searched for the private keys of all boards, old and new.
"""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.provision_line import BOARD_S, Line
from support.virtual import VirtualBoards, home_of_boards

UNIT = "% of the boards, in each of three runs"
AT_LEAST = 100
BOARDS = 50
UNPLUGS = 10
SEED = 1


def measure(say: Callable[[str], None]) -> float:
    """Run the line, and search for what must not be there."""
    with tempfile.TemporaryDirectory() as folder, home_of_boards() as home:
        line = Line(Path(folder), VirtualBoards(home), BOARDS)
        wait = ("--timeout", str(BOARD_S))
        line.type("provision", "--station", *wait)
        first = line.count_enrolled()
        say(f"enrolled from blank: {first} of {BOARDS}")
        before = line.nvs()
        again = line.type("provision", "--all", *wait).count("nothing to change")
        assert line.nvs() == before, "a second run wrote"
        say(f"nothing to change: {again} of {BOARDS}")
        whole = _after_unplugs(line, wait)
        say(f"whole after {UNPLUGS} unplugs: {whole} of {BOARDS}")
        request = {
            "do": "keys",
            "url": f"virtual://{line.names[0]}",
            "wait_s": 0.0,
            "keys": "kept",
            "nonce": "00" * 16,
            "ephemeral": "09" + "00" * 31,
        }
        found = line.search(json.dumps(request), say)
        say(f"private keys outside the boards' flash: {found} of {len(line.keys)}")
        assert not found
        return 100 * min(first, again, whole) / BOARDS


def _after_unplugs(line: Line, wait: tuple[str, str]) -> int:
    rng = random.Random(SEED)
    names = rng.sample(line.names, UNPLUGS)
    line.unplug(names, rng)
    ports = [word for name in names for word in ("-p", f"virtual://{name}")]
    line.type("provision", "--replace", *ports, "--timeout", "120", may_fail=True)
    line.plug_in(names)
    line.type("provision", "--all", *wait)
    before = line.nvs()
    line.type("provision", "--all", *wait)
    assert line.nvs() == before, "a run after all was whole wrote"
    return line.count_enrolled()
