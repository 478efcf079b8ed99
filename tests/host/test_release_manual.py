"""What the manual of releases says in figures is what boards do."""

from pathlib import Path

from cma_toolkit.firmware.kernel.release.budget import DAY_UAH, SESSION_MS, SESSION_UAH
from cma_toolkit.firmware.kernel.release.updater import IDLE_MS

MANUAL = (Path(__file__).parents[2] / "docs" / "releases.md").read_text()
WORDS = {3_000: "three seconds", 5_000: "five seconds", 60_000: "a minute"}


def test_how_long_a_board_listens_and_what_it_spends() -> None:
    (line,) = [
        part for part in MANUAL.split("\n- ") if part.startswith("A board that is switched")
    ]
    assert f"listens for {WORDS[IDLE_MS]} before its agent starts" in line
    most = f"{WORDS[SESSION_MS]} with the radio on, and {SESSION_UAH:,} µAh"
    assert most in line
    assert f"all sessions of a day take at most {DAY_UAH:,} µAh" in MANUAL
