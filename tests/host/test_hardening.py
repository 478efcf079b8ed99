"""What eFuses would protect: explained truly, burnt by the real espefuse, never by the way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.harden import STOCK
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.secure import hardening
from cma_toolkit.host_tools.secure.hardening import burn, measures, state
from support.virtual import VirtualBoards

CHIPS = ("esp32", "esp32s3", "esp32c3", "esp32c6")


@pytest.fixture
def efuses(tmp_path: Path) -> tuple[str, ...]:
    """Return espefuse's options for eFuses that are a file."""
    return ("--virt", "--path-efuse-file", str(tmp_path / "efuses.bin"))


@pytest.mark.parametrize("chip", CHIPS)
def test_every_efuse_that_is_named_is_one_of_the_chip(chip: str, efuses: tuple[str, ...]) -> None:
    known = state(chip, efuses)
    for measure in measures(chip):
        assert not set(measure.efuses) - set(known), measure.name
    assert tuple(one.name for one in measures(chip) if one.is_stock) == STOCK


def test_a_measure_is_burnt_read_back_and_nothing_else(efuses: tuple[str, ...]) -> None:
    before = state("esp32c3", efuses)
    jtag = measures("esp32c3")[0]
    burn("esp32c3", efuses, jtag)
    after = state("esp32c3", efuses)
    assert {name for name in after if after[name] != before[name]} == set(jtag.efuses)


@pytest.mark.parametrize("answer", ["", "{", "[]", '{"JTAG": 1}', "no eFuses here"])
def test_an_espefuse_that_answers_otherwise_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    def run(*_: object, **__: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess([], 0, answer, "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(CmaError, match="cannot be read") as caught:
        state("esp32c3", ())
    assert caught.value.code is ExitCode.REFUSED


def test_an_espefuse_that_does_not_end_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardening, "ESPEFUSE_S", 0)
    with pytest.raises(CmaError, match="did not end") as caught:
        state("esp32c3", ("--port", "/dev/null"))
    assert caught.value.code is ExitCode.TIMEOUT


def test_encryption_is_never_burnt(efuses: tuple[str, ...]) -> None:
    before = state("esp32s3", efuses)
    for measure in measures("esp32s3")[2:]:
        with pytest.raises(CmaError, match=r"docs/hardening\.md") as caught:
            burn("esp32s3", efuses, measure)
        assert caught.value.code is ExitCode.REFUSED
    assert state("esp32s3", efuses) == before


def test_nothing_is_burnt_without_a_yes(virtual_boards: VirtualBoards) -> None:
    virtual_boards.client.create("one", "esp32-c3-devkitm-1", start=True, content="blank")

    def type_line(*words: str) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "harden", *words]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    told = type_line("-p", "virtual://one", "--dry-run", "-o", "json")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["measure"] for row in rows if row["with_stock_micropython"]] == list(STOCK)
    without = type_line("-p", "virtual://one", "--burn", "jtag")
    assert without.returncode == ExitCode.NEEDS_YES and "for good" in without.stderr
    virtual = type_line("-p", "virtual://one", "--burn", "jtag", "--yes")
    assert virtual.returncode == ExitCode.REFUSED and "no eFuses" in virtual.stderr
