"""Type `cma sim`."""

import os
import subprocess
import sys
from pathlib import Path


def cma_sim(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "sim", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "CMA_PROGRESS": "plain"},
        check=False,
    )
