"""Power cuts inside flash operations leave every file of a littlefs old or new."""

from pathlib import Path

from support.power_cuts import cut_littlefs


def test_a_littlefs_survives_power_cuts_whole_and_torn(tmp_path: Path) -> None:
    report = cut_littlefs(tmp_path, seed=20261124, cuts=400)
    assert report["problems"] == []
    assert report["survived"] == 400
    assert report["torn"] > 150


def test_a_chip_that_loses_a_sector_is_noticed(tmp_path: Path) -> None:
    """The same cuts on a broken chip: without this the test above could not fail."""
    report = cut_littlefs(tmp_path, seed=20261124, cuts=100, loses=True)
    assert report["survived"] < 90
