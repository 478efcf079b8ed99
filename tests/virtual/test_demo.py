"""`make demo`'s command does what its last line says."""

import re
import subprocess
import sys


def test_the_demo_flashes_provisions_talks_and_recovers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "demo", "--boards", "4"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = re.search(
        r"flashed 4/4, provisioned 4/4, messages sent/received/lost (\d+)/(\d+)/(\d+), "
        r"woken from deep sleep (\d+) times, "
        r"power cut at write \d+: recovered\.",
        done.stdout,
    )
    assert summary, done.stdout
    sent, received, _lost, restored = map(int, summary.groups())
    assert restored >= 1  # one of the four sleeps
    assert "whole image" in done.stdout  # of cma build
    assert sent > 0
    assert received > 0
    assert done.stdout.rstrip().endswith("Next: cma new my-fleet")


def test_the_demo_of_releases_takes_no_real_boards() -> None:
    words = ["demo", "ota", "--ports", "/dev/ttyUSB0 /dev/ttyUSB1"]
    done = subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "leave out --ports" in done.stderr
