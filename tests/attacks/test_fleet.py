"""Attacks 68, 70, 81 and 90 in the emulated world: bad air, and releases that do harm.

Flash, slots, updater, edges and the desk that decides are those of boards and of `cma`; boards
live by their schedules.
"""

from attacks.attack import attack, check, stopped
from attacks.places import DECIDE
from attacks.test_boot import ENDED_TRIAL, ENDED_WAITING
from attacks.test_transport import ASKING_AGAIN

from support.rollout_world import Fleet, Told, update

BOARDS = 8
LOSS_PERMILLE = 400
CRASHING_MIN = 8  # it takes seconds to go back
SILENT_MIN = 150  # it takes 120 wakes; after 192 the starts alone have used up the trial
HALTING_MIN = 60
LOSSY_MIN = 90
HALTING = check(
    "halting when too many fail",
    DECIDE,
    "    why = why_halt(rollout, members)",
    '    why = ""',
)


def brought(fate: str, minutes: int, boards: int = 1) -> Told:
    """Bring a release that does that to a fleet, and look after so many minutes."""
    fleet = Fleet(boards, cut_permille=0, fate=fate, soak_s=60, has_agents=False)
    return update(fleet, minutes)


def is_left_alone(told: Told) -> bool:
    """Tell whether all boards run what they ran before."""
    return set(told.ended.boards.values()) == {"as it was"}


@attack(ENDED_TRIAL)
def test_attack_68_crash_in_a_fleet() -> None:
    stopped(is_left_alone(brought("crash", CRASHING_MIN)), "it crashes for ever")


@attack(ENDED_WAITING)
def test_attack_70_silence_in_a_fleet() -> None:
    stopped(is_left_alone(brought("mute", SILENT_MIN)), "a deaf release stays")


@attack(ASKING_AGAIN)
def test_attack_81_lost_pieces_in_a_fleet() -> None:
    fleet = Fleet(BOARDS, LOSS_PERMILLE, cut_permille=0, soak_s=60, has_agents=False)
    became = set(update(fleet, LOSSY_MIN).ended.boards.values())
    stopped(became == {"updated"}, f"of so many frames lost boards are {became}")


@attack(HALTING)
def test_attack_90_bad_release_in_the_world() -> None:
    told = brought("crash", HALTING_MIN, BOARDS)
    stopped(told.ended.asked == 1, f"{told.ended.asked} of {BOARDS} boards got it")
    assert told.rollout.state == "halted" and is_left_alone(told)
