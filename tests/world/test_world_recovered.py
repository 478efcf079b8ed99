"""A start whose flash did not change is not read again, and finds what a reading finds."""

import pytest

from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.hardware import recovered
from cma_toolkit.sim.world.hardware.flash import NorFlash
from cma_toolkit.sim.world.hardware.recovered import FIELDS, Recovered

SECONDS = 1_200


def found(journal):
    """Return all that a started journal knows: every field but its buffers."""
    scratch = {"_flash", "_unit", "_views", "_commit", "_to", "_filled", "_crc"}
    return {name: value for name, value in vars(journal).items() if name not in scratch}


def setup(agent):
    state = agent.state

    @agent.every(150_000)
    def count():
        state["count"] = state.get("count", 0) + 1


def fleet():
    return Fleet(setup, agents=3, seed=4, settings={"wake_period_ms": 30_000}, keep=False)


@pytest.fixture
def written():
    flash = NorFlash()
    journal = Journal(flash)
    journal.recover()
    journal.write([(b"key", b"value"), (b"other", b"x" * 200)])
    return flash


def test_every_start_in_a_world_finds_what_a_reading_finds(monkeypatch):
    opened = []

    class Checked(Recovered):
        def open(self, flash, is_after_sleep):
            twin, before = flash.copy(), self.reused
            journal = super().open(flash, is_after_sleep)
            really = Journal(twin)
            really.recover(is_after_sleep)
            assert found(journal) == found(really)
            opened.append(self.reused > before)
            return journal

    monkeypatch.setattr("cma_toolkit.sim.world.board.Recovered", Checked)
    world = fleet()
    world.run(SECONDS)
    assert opened.count(True) > 50 and opened.count(False) > 10


def test_a_world_that_reads_every_time_comes_to_the_same_digest(monkeypatch):
    quick = fleet()
    quick.run(SECONDS)

    def read(self, flash, is_after_sleep):
        journal = Journal(flash)
        journal.recover(is_after_sleep)
        return journal

    monkeypatch.setattr(recovered.Recovered, "open", read)
    slow = fleet()
    slow.run(SECONDS)
    assert quick.digest() == slow.digest()
    assert any(board.recovered.reused for board in quick.boards)


def test_all_that_a_start_fills_is_kept(written):
    journal = Journal(written)
    journal.recover(is_after_sleep=True)
    assert set(FIELDS) | {"_index", "_units"} == set(found(journal))


@pytest.mark.parametrize(
    "change",
    [
        lambda flash: flash.flip(100),
        lambda flash: flash.erase(3),
        lambda flash: flash.program(9 * 4096, bytes(32)),
        lambda flash: flash.bad.update({0: "read error"}),
        lambda flash: flash.fail_in(1, OSError(5)),
    ],
    ids=["rot", "erased", "programmed", "bad block", "failing read"],
)
def test_whatever_changes_or_fails_is_read(written, change):
    memory = Recovered()
    memory.open(written, True)
    memory.open(written, True)
    assert memory.reused == 1
    change(written)
    memory.open(written, True)
    assert memory.reused == 1


def test_only_a_sleep_leaves_no_doubt(written):
    memory = Recovered()
    memory.open(written, False)
    memory.open(written, True)
    memory.open(written, False)
    assert memory.reused == 0
