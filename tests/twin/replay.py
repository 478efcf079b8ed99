"""Run one trace on both runtimes and show the first thing that differs.

Usage: .venv/bin/python tests/twin/replay.py SEED EVENTS
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.twins import first_difference, import_root

if __name__ == "__main__":
    with import_root() as root:
        difference = first_difference(root, int(sys.argv[1]), int(sys.argv[2]))
    print(difference or "no difference")
    raise SystemExit(1 if difference else 0)
