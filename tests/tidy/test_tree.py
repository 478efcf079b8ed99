"""The tree keeps its own names."""

from pathlib import Path

TOP_LEVEL_FOLDERS = {"boards", "docs", "firmware", "host_tools", "sim", "tests"}
IGNORED = {"build", "dist"}


def test_no_folder_appears_beside_the_agreed_ones() -> None:
    root = Path(__file__).parents[2]
    folders = {
        path.name
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not path.name.endswith(".egg-info")
    }
    assert folders - IGNORED <= TOP_LEVEL_FOLDERS
