"""The flash of a world fails as NOR does, and an agent on it loses nothing that it kept."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.errors import CAUSE_PANIC, CAUSE_POWER_ON
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.faults.base import Fault
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.hardware.flash import BAD_BLOCKS, NorFlash, PowerCut
from cma_toolkit.sim.world.hardware.tearing import TEAR_MODES, tear
from cma_toolkit.sim.world.watcher import Watcher

CHATTER = str(Path(__file__).parent / "apps" / "chatter.py")
SECTOR = NorFlash.sector_bytes
DATA = bytes(range(32, 96))


def read(flash: NorFlash, address: int, length: int) -> bytes:
    buffer = bytearray(length)
    flash.read(address, buffer)
    return bytes(buffer)


@pytest.mark.parametrize("mode", range(len(TEAR_MODES)), ids=TEAR_MODES)
def test_a_torn_operation_leaves_old_and_new_bits_only(mode: int) -> None:
    old, results = b"\xff" * 64, set()
    for seed in range(40):
        torn = tear(mode, old, DATA, seed)
        results.add(torn)
        assert len(torn) == 64
        for before, after, left in zip(old, DATA, torn, strict=True):
            assert (left ^ before) & ~(before ^ after) == 0
    drawn = TEAR_MODES[mode] in ("one bit", "all but one bit", "random mask")
    assert len(results) > 20 if drawn else len(results) == 1


def test_each_tear_mode_is_what_it_is_called() -> None:
    old = b"\xff" * 64
    torn = {name: tear(mode, old, DATA, 5) for mode, name in enumerate(TEAR_MODES)}
    assert torn["before"] == old and torn["after"] == DATA
    assert torn["one byte"] == DATA[:1] + old[1:]
    assert torn["half"] == DATA[:32] + old[32:]
    assert torn["second half"] == old[32:] + DATA[32:]
    assert torn["all but one byte"] == DATA[:-1] + old[:1]
    wrong = {name: _bits(torn[name], reference) for name, reference in (
        ("one bit", old), ("all but one bit", DATA))}  # fmt: skip
    assert wrong == {"one bit": 1, "all but one bit": 1}
    assert 100 < _bits(torn["random mask"], DATA) < 200


def _bits(one: bytes, other: bytes) -> int:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_a_cut_tears_the_operation_it_was_armed_for_and_all_is_dark_until_power_comes() -> None:
    flash = NorFlash()
    flash.cut_in(3, TEAR_MODES.index("half"), 1, 700)
    flash.program(0, DATA)
    read(flash, 0, 64)  # reads do not count
    flash.erase(1)
    with pytest.raises(PowerCut) as cut:
        flash.program(64, DATA)
    assert cut.value.dark_ms == 700
    for call in (
        lambda: flash.erase(0),
        lambda: read(flash, 0, 1),
        lambda: flash.program(128, DATA),
    ):
        with pytest.raises(PowerCut):
            call()
    flash.power_on()
    assert read(flash, 0, 160) == DATA + DATA[:32] + b"\xff" * 64
    flash.program(128, DATA)


def test_an_erasure_is_torn_too_and_a_cut_can_be_called_off() -> None:
    flash = NorFlash()
    flash.program(0, DATA)
    flash.cut_in(1, TEAR_MODES.index("second half"), 1, 5)
    with pytest.raises(PowerCut):
        flash.erase(0)
    flash.power_on()
    assert read(flash, 0, SECTOR) == DATA + b"\xff" * (SECTOR - 64)
    flash.spare(flash.cut_in(1, 0, 1, 5))
    flash.erase(0)
    assert read(flash, 0, 64) == b"\xff" * 64


def test_of_several_cuts_and_errors_each_comes_but_those_that_are_spared() -> None:
    flash, buffer = NorFlash(), bytearray(1)
    first, spared, last = [flash.cut_in(1, 0, 1, dark_ms) for dark_ms in (5, 6, 7)]
    assert first != last
    flash.spare(spared)
    for sector, dark_ms in enumerate((5, 7)):
        with pytest.raises(PowerCut) as cut:
            flash.erase(sector)
        assert cut.value.dark_ms == dark_ms
        flash.power_on()
    errors = [OSError(number) for number in range(3)]
    for error in errors:
        flash.fail_in(2, error)
    flash.spare_error(errors[1])
    for error in (errors[0], errors[2]):
        flash.read(0, buffer)
        with pytest.raises(OSError) as raised:
            flash.read(0, buffer)
        assert raised.value is error is flash.failed
    assert flash.reads_well


@pytest.mark.parametrize("kind", BAD_BLOCKS)
def test_a_bad_block_fails_in_its_way_and_no_other(kind: str) -> None:
    flash = NorFlash()
    flash.program(SECTOR, DATA)
    flash.bad[1] = kind
    calls: dict[str, Any] = {
        "read": lambda: read(flash, SECTOR, 64),
        "program": lambda: flash.program(SECTOR + 64, DATA),
        "erase": lambda: flash.erase(1),
    }
    for name, call in calls.items():
        if kind == f"{name} error":
            with pytest.raises(OSError, match=kind):
                call()
        else:
            call()
    flash.bad.clear()
    content = read(flash, SECTOR, 128)
    if kind in ("erase error", "erase no-op"):
        assert content == DATA + DATA
    else:
        assert content == b"\xff" * 128
    flash.bad[1] = "program no-op"
    flash.program(SECTOR + 128, DATA)
    assert read(flash, SECTOR + 128, 64) == b"\xff" * 64


def test_a_worn_out_sector_fails_and_wear_is_counted_by_sector() -> None:
    flash = NorFlash()
    flash.endurance = 3
    for _ in range(3):
        flash.erase(7)
    flash.erase(8)
    with pytest.raises(OSError, match="erase error"):
        flash.erase(7)
    assert flash.wear == {7: 4, 8: 1} and flash.bad == {7: "erase error"}


def test_a_bit_that_rots_reads_wrongly_until_it_is_erased() -> None:
    flash = NorFlash()
    flash.program(SECTOR, DATA)
    flash.flip(8 * (SECTOR + 1) + 3)
    assert read(flash, SECTOR, 64) == DATA[:1] + bytes([DATA[1] ^ 8]) + DATA[2:]
    flash.flip(8 * (3 * SECTOR + 100))
    assert read(flash, 3 * SECTOR + 99, 3) == b"\xff\xfe\xff"
    assert flash.used_sectors() == [1, 3]
    flash.erase(3)
    assert read(flash, 3 * SECTOR + 99, 3) == b"\xff\xff\xff"


def test_a_failure_comes_once_and_at_its_operation() -> None:
    flash = NorFlash()
    error = OSError(5, "planted")
    flash.fail_in(3, error)
    flash.program(0, DATA)
    read(flash, 0, 4)
    with pytest.raises(OSError, match="planted"):
        flash.erase(1)
    assert flash.failed is error
    flash.erase(1)


def test_a_copy_is_sound_and_its_own() -> None:
    flash = NorFlash()
    flash.program(0, DATA)
    flash.bad[0] = "read error"
    twin = flash.copy()
    twin.program(64, DATA)
    flash.bad.clear()
    assert read(twin, 0, 128) == DATA + DATA
    assert read(flash, 0, 128) == DATA + b"\xff" * 64


class Planted(Fault):
    """Do something to one board at the start."""

    NAME, NUMBER = "planted", 90

    def __init__(self, act: Any) -> None:
        self._act = act

    def begin(self, fleet: Fleet) -> None:
        self._act(fleet.boards[1])


class Boots(Watcher):
    """Note why the second board booted, and when its power went."""

    def __init__(self) -> None:
        self.causes: list[int] = []
        self.cuts_ms: list[int] = []

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        if index == 1 and kind == trace.BOOT:
            self.causes.append(content[0])
        elif index == 1 and kind == trace.POWER:
            self.cuts_ms.append(fleet.clock.now_ms)


def run(act: Any, seconds: int = 60) -> tuple[Fleet, Boots]:
    boots = Boots()
    made = Fleet(
        load_setup(CHATTER),
        agents=3,
        seed=5,
        faults=[(10_000, 50_000, Planted(act))],
        watchers=[boots],
    )
    made.run(seconds)
    return made, boots


@pytest.mark.parametrize("mode", range(len(TEAR_MODES)), ids=TEAR_MODES)
def test_a_cut_within_a_write_keeps_the_state_of_before_or_after_it(mode: int) -> None:
    seen: list[Any] = []

    def arm(board: Any) -> None:
        seen.append(board.state()["heard"])
        board.flash.cut_in(1, mode, 7, 3_000)

    made, boots = run(arm)
    assert len(boots.cuts_ms) == 1 and boots.causes == [CAUSE_POWER_ON, CAUSE_POWER_ON]
    heard, status = made.boards[1].state()["heard"], made.boards[1].status()
    assert isinstance(heard, int) and heard > seen[0]
    assert status["boots"] == 2
    others = made.boards[0].state()["heard"]
    assert isinstance(others, int) and 0 < others - heard < 30


def test_no_heap_in_the_middle_of_a_write_is_a_crash_with_the_power_on() -> None:
    made, boots = run(lambda board: board.flash.fail_in(1, MemoryError("planted")))
    assert boots.cuts_ms == []
    assert made.log.errors == []
    status = made.boards[1].status()
    assert boots.causes in ([CAUSE_POWER_ON], [CAUSE_POWER_ON, CAUSE_PANIC])
    assert status["boots"] == len(boots.causes)
    assert made.boards[1].flash.failed is not None


def test_no_heap_while_the_flash_is_read_at_a_boot_is_one_more_boot() -> None:
    def starve(board: Any) -> None:
        board.flash.fail_in(1, MemoryError("planted"))
        board.cut_power(100)

    made, boots = run(starve)
    assert boots.causes == [CAUSE_POWER_ON, CAUSE_POWER_ON, CAUSE_PANIC]
    assert made.boards[1].agent is not None


def test_a_crash_while_dark_or_booting_changes_nothing() -> None:
    def strike(board: Any) -> None:
        board.crash()
        board.crash()
        board.cut_power(5_000)
        board.crash()

    _made, boots = run(strike)
    assert boots.causes == [CAUSE_POWER_ON, CAUSE_POWER_ON]


def test_what_an_agent_wished_for_is_gone_with_it() -> None:
    def wish(board: Any) -> None:
        board.host.reboot(1)
        board.rtc = b"kept"
        board.cut_power(100)
        assert board.rtc == b""

    _made, boots = run(wish)
    assert boots.causes == [CAUSE_POWER_ON, CAUSE_POWER_ON]


def test_a_medium_that_fails_once_loses_nothing() -> None:
    made, boots = run(lambda board: board.flash.fail_in(1, OSError(5, "planted")))
    assert boots.causes == [CAUSE_POWER_ON]
    made.run(5)
    made.boards[1].cut_power(100)
    made.run(2)
    heard = [board.state()["heard"] for board in made.boards]
    assert isinstance(heard[0], int) and isinstance(heard[1], int)
    assert abs(heard[0] - heard[1]) < 20
