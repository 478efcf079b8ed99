"""A small firmware does what it did, or the build says why not: one case for each way to err."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink.firmware import shrink

CASES = Path(__file__).with_name("shrink_cases.txt")  # === NAME, then files: --- PATH
REFUSED = {
    "another file's name assigned to": "clock.speed is assigned to from another file",
    "state in what is forgotten": r"rare\.py: .*is forgotten after each use",
}
EMPTY = {f"{path}.py": b"" for path in
         ("kernel/__init__", "device/__init__", "device/start", "device/loop")}  # fmt: skip
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from kernel.agent import main
log = []
try:
    log.append(main(log))
except Exception as error:
    log.append((type(error).__name__, str(error)))
print(log)
"""


def _cases() -> dict[str, dict[str, bytes]]:
    found = {}
    for case in CASES.read_text().split("=== ")[1:]:
        name, *files = case.split("\n--- ")
        found[name] = {path: text.encode() for path, text in (one.split("\n", 1) for one in files)}
    return found


def ran(folder: Path, sources: Mapping[str, bytes]) -> str:
    """Return what `main` logs, returns and raises."""
    for path, text in sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    command = [sys.executable, "-I", "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(("name", "files"), _cases().items(), ids=list(_cases()))
def test_what_is_made_small_does_what_it_did_or_is_refused(
    name: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    others = {path: text for path, text in files.items() if path == "user.py"}
    sources = {**EMPTY, **{path: text for path, text in files.items() if path not in others}}
    if name in REFUSED:
        with pytest.raises(ImageError, match=REFUSED[name]):
            shrink(sources, {"main"})
        return
    before = ran(tmp_path / "before", {**sources, **others})
    assert before.startswith("[")
    assert ran(tmp_path / "after", {**shrink(sources, {"main"}), **others}) == before
