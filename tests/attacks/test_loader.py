"""Attacks 46, 68, 69, 71 to 73 and 77, started by the code of the loader itself."""

from attacks.attack import attack, check, stopped
from attacks.loading import DEEP_SLEEP, HARD, POWER, WATCHDOG, Loaded
from attacks.places import CHOOSING, LOOKING
from attacks.slots import BAD, ONE, THREE, TWO
from attacks.test_boot import (
    CONFIRMED_STAYS,
    ENDED_TRIAL,
    LAST_LOOK,
    SLEEPS_ARE_FREE,
    WATCHDOG_IS_A_CRASH,
)
from attacks.test_power import ONE_TRY
from loader import mark

from kernel.release.slots import CONFIRMED, REJECTED

CRASHES = 4
SLEEPS = 64  # of which each sixteenth is looked at


def on_trial(release: object = TWO) -> Loaded:
    """Return a board that starts a release for the first time."""
    box = Loaded()
    box.start(POWER)
    assert box.runs() == 1
    box.bring(release)  # type: ignore[arg-type]
    box.start(HARD)
    return box


@attack(LAST_LOOK)
def test_attack_46_change_before_the_loader_starts_it() -> None:
    box = Loaded()
    box.start(POWER)
    box.bring(TWO)
    box.flash.cells[box.start_of(1) + 99] ^= 1
    box.start(HARD)
    assert box.runs() == 1


@attack(
    ENDED_TRIAL,
    check(
        "an agent that did not end",
        LOOKING,
        "return COST_UNCLEAN if memory[2] == _AGENT_RUNNING else COST_ORDERLY",
        "return COST_ORDERLY",
    ),
)
def test_attack_68_crash_that_the_loader_counts() -> None:
    box = on_trial(BAD)
    assert box.runs() == 2
    for _ in range(CRASHES):
        box.crash()
    stopped(box.runs() == 1, "it crashes for ever")
    assert box.board.slots[1].state == REJECTED


@attack(
    ENDED_TRIAL,
    WATCHDOG_IS_A_CRASH,
    check(
        "a look at the slots after a watchdog's reset",
        CHOOSING,
        "    if cause == machine.SOFT_RESET:\n        return True",
        "    if cause in (machine.SOFT_RESET, machine.WDT_RESET):\n        return True",
    ),
)
def test_attack_69_hang_that_a_watchdog_ends() -> None:
    box = on_trial()
    box.start(DEEP_SLEEP)
    assert box.runs() == 2
    for _ in range(CRASHES):
        box.start(WATCHDOG)
    stopped(box.runs() == 1, "it hangs for ever")


@attack(CONFIRMED_STAYS)
def test_attack_71_crash_after_the_loader_confirmed_it() -> None:
    box = on_trial()
    box.tell(mark.HEALTHY)
    box.start(DEEP_SLEEP)
    assert box.board.slots[1].state == CONFIRMED
    for _ in range(3 * CRASHES):
        box.tell(mark.GIVEN_UP)
        box.crash()
    assert box.runs() == 2
    assert box.offer(THREE, version=2) == 0
    assert box.fill(THREE).finish()


@attack(
    SLEEPS_ARE_FREE,
    check(
        "a start in sixteen that costs a trial something",
        CHOOSING,
        "STARTS_MAX = 16",
        "STARTS_MAX = 1",
    ),
)
def test_attack_72_deep_sleep_that_the_loader_sees() -> None:
    box = on_trial()
    for _ in range(SLEEPS):
        box.start(DEEP_SLEEP)
        stopped(box.runs() == 2, "sleeping is held against it")
    box.tell(mark.HEALTHY)
    box.start(DEEP_SLEEP)
    box.start(POWER)
    assert box.runs() == 2 and box.board.slots[1].state == CONFIRMED


@attack(ONE_TRY)
def test_attack_73_power_lost_before_the_loader_starts_it() -> None:
    box = Loaded()
    box.start(POWER)
    box.bring(TWO)
    box.start(POWER)  # the mark is gone, and what was to be an orderly reset
    stopped(box.runs() == 2, "a release that never ran is given up")
    box.tell(mark.HEALTHY)
    box.start(POWER)  # which takes the agent's word, too: it is told again
    stopped(box.runs() == 2, "a healthy release is given up")


@attack(
    ONE_TRY,
    check(
        "a confirmation that the loader carries out",
        LOOKING,
        "((mark.HEALTHY, installation.confirm), (mark.GIVEN_UP, installation.give_up))",
        "((mark.GIVEN_UP, installation.give_up),)",
    ),
)
def test_attack_77_confirmation_that_the_loader_loses() -> None:
    box = on_trial()
    box.tell(mark.HEALTHY)
    for _ in range(3):
        box.start(POWER)  # with what the agent told
        stopped(box.runs() == 2, "a healthy release is given up")
    box.tell(mark.HEALTHY)
    box.start(DEEP_SLEEP)
    for _ in range(2 * CRASHES):
        box.crash()
    stopped(box.runs() == 2, "what is healthy goes by crashes")
    assert box.board.slots[1].state == CONFIRMED and box.runs(ONE, TWO) == 2
