"""What an agent and its loader tell each other in RTC memory, and how a trial is judged."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from loader import mark

from cma_toolkit.firmware.kernel.release.signs import CLEAN_WAKES, WAKES_MAX

SEQUENCE, CLASS = 7, 0x3FFFFFFF


class Machine(ModuleType):
    """The hardware: RTC memory, and a reset."""

    def __init__(self) -> None:
        super().__init__("machine")
        self.kept = b""
        self.resets = self.resets_kept = self.kept_micropython = 0
        self.has_one_place = False

    def RTC(self) -> "Machine":  # noqa: N802 - as on a board
        return self

    def memory(self, data: bytes | None = None) -> bytes:
        self.kept = self.kept if data is None else bytes(data)
        return self.kept

    def reset(self) -> None:
        self.resets += 1
        self.resets_kept = self.kept_micropython

    def mark_app_valid_cancel_rollback(self) -> None:
        self.kept_micropython += 1
        if self.has_one_place:
            raise OSError(2)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    hardware = Machine()
    for name in [name for name in sys.modules if name.split(".")[0] == "device"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "machine", hardware)
    places = ModuleType("esp32")
    places.Partition = hardware  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "esp32", places)
    monkeypatch.setattr("time.ticks_ms", lambda: 0, raising=False)
    ending = ModuleType("device.ending")
    ending.stop = lambda loop: loop.log.append("stopped")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "device.ending", ending)
    import device

    monkeypatch.setattr(device, "ending", ending, raising=False)
    return hardware


def woken(machine: Machine, bits: int) -> SimpleNamespace:
    """Return the loop of a board whose loader left these bits."""
    machine.kept = bytes(mark.write(machine.kept, (bits, 0, SEQUENCE, CLASS)))
    from device.rtc import Rtc

    loop = SimpleNamespace(rtc=Rtc(), log=[], application="running", is_first_sleep=True)
    loop.agent = SimpleNamespace(
        neighbours=SimpleNamespace(count=1), application=SimpleNamespace(is_well=True)
    )
    loop.sink = SimpleNamespace(note=lambda event, value: loop.log.append(value))
    return loop


def told(loop: SimpleNamespace) -> int:
    """Return what a loader would read at the next boot."""
    fields = mark.read(bytes(loop.rtc.memory))
    assert fields and fields[2:] == (SEQUENCE, CLASS)
    return int(fields[0])


def test_agent_and_loader_read_the_same_from_the_mark(machine: Machine) -> None:
    for cause in range(8):
        for bits in range(32):
            rtc = woken(machine, bits | cause << mark.CAUSE_SHIFT).rtc
            stage = 2 if bits & mark.TRIAL else 3
            assert rtc.release() == (SEQUENCE, CLASS, stage)
            assert rtc.take_cause() == cause
            assert rtc.take_cause() == 0, "it is told once"
            for bit in (mark.UPDATE, mark.HEALTHY, mark.GIVEN_UP):
                rtc.tell_loader(bit)
                bits |= bit  # noqa: PLW2901 - it grows
                fields = mark.read(bytes(rtc.memory))
                assert fields and fields == (bits, 0, SEQUENCE, CLASS)


def test_without_a_mark_nothing_is_told_or_invented(machine: Machine) -> None:
    from device.rtc import Rtc

    rtc = Rtc()
    before = bytes(rtc.memory)
    rtc.tell_loader(mark.UPDATE)
    assert rtc.release() == (0, 0, 0) and rtc.take_cause() == 0
    assert bytes(rtc.memory) == before


@pytest.mark.parametrize("has_one_place", [False, True])
@pytest.mark.parametrize("is_awake", [False, True])
def test_a_release_that_hears_others_and_ends_its_wakes_is_healthy(
    machine: Machine, *, is_awake: bool, has_one_place: bool
) -> None:
    machine.has_one_place = has_one_place
    loop = woken(machine, mark.TRIAL | mark.SLOT_B)
    from device import trial

    trial.begin(loop)
    for _ in range(CLEAN_WAKES):
        assert not told(loop) & mark.HEALTHY
        trial.judge(loop, is_awake)
    assert told(loop) == mark.TRIAL | mark.SLOT_B | mark.HEALTHY
    assert loop.log == (["healthy", "stopped"] if is_awake else ["healthy"])
    assert machine.resets == is_awake
    # A reset ends the trial of a MicroPython that the bootloader was not told to keep before it.
    assert machine.kept_micropython == 1 and machine.resets_kept == is_awake


@pytest.mark.parametrize("why", ["alone", "not well", "failed", "safe mode"])
def test_one_that_is_not_well_is_given_up(machine: Machine, why: str) -> None:
    loop = woken(machine, mark.TRIAL)
    loop.agent.neighbours.count = why != "alone"
    loop.agent.application.is_well = why != "not well"
    loop.application = why if why in ("failed", "safe mode") else "running"
    from device import trial

    trial.begin(loop)
    for _ in range(WAKES_MAX):
        assert told(loop) == mark.TRIAL
        trial.judge(loop, False)
    assert told(loop) == mark.TRIAL | mark.GIVEN_UP
    assert not machine.kept_micropython


def test_a_wake_goes_on_where_the_one_before_ended_and_a_boot_does_not(machine: Machine) -> None:
    loop = woken(machine, mark.TRIAL)
    from device import trial

    trial.judge(loop, False)
    loop.is_first_sleep = False
    trial.begin(loop)
    for _ in range(CLEAN_WAKES - 1):
        trial.judge(loop, False)
    assert told(loop) & mark.HEALTHY
    again = woken(machine, mark.TRIAL)
    trial.begin(again)
    trial.judge(again, False)
    assert not told(again) & mark.HEALTHY
