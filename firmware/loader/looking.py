"""Look at the slots: take what the agent found of its release, and choose one that is good."""

import json

import machine
from loader import mark
from loader.choosing import STARTS_MAX
from loader.places import open_runtime

from device.flash import open_flash
from kernel.release import layout
from kernel.release.envelope import Envelope
from kernel.release.installation import RECOVERY, Installation
from kernel.release.manifest import from_bytes
from kernel.release.refusals import RefusedError
from kernel.release.region import Region
from kernel.release.runtime import ON_TRIAL, RESTART, SETTLED
from kernel.release.slots import CONFIRMED, COST_ORDERLY, COST_POWER, COST_UNCLEAN, TRIAL
from kernel.state.journal import Journal
from kernel.state.table import JournalTable

_ROOT, _BOARD = "/rom/root.cbor", "/rom/board.json"
_RESTARTED = (0, 0, 0, 0)  # the mark of a loader that had another MicroPython started
# How the agent ended, in RTC memory: see `device.crash`.
_AGENT_MAGIC, _AGENT_RUNNING = b"\xc4\xa7", 1


def open_installation():
    """Return the slots of this board; `boot` was not called yet."""
    flash = open_flash("romfs")
    place = layout.journal_at(flash.sector_count)
    journal = Journal(Region(flash, place, layout.JOURNAL_SECTORS))
    journal.recover()
    return Installation(flash, JournalTable(journal), _root())


def look(found):
    """Return what the mark is to say, None if no slot is good; and the slots if to update.

    Shape: `found` is what it said, None if nothing.
    """
    bits, starts = found[:2] if found else (0, 0)
    starts &= ~mark.WATCHED
    installation = open_installation()
    for bit, act in ((mark.HEALTHY, installation.confirm), (mark.GIVEN_UP, installation.give_up)):
        if bits & bit:
            try:
                act()
            except OSError as error:  # the flash may take it at the next boot
                print("cma: what the agent found is not kept: %s" % error)
    cost = COST_ORDERLY if found == _RESTARTED else _cost()
    if starts >= STARTS_MAX:
        starts, cost = 0, max(cost, COST_POWER)
    slot = installation.boot(cost)
    if installation.has_to_restore:
        _restore(installation)
    # Where nothing runs there is no agent that could give a MicroPython up.
    tried = _look_at_micropython(installation, bits, cost if slot >= 0 else max(cost, COST_POWER))
    if slot == RECOVERY:
        return None, installation
    chosen = installation.slots[slot]
    marked = mark.SLOT_B * slot
    class_tag = _class_of(installation, slot)
    if chosen.state == TRIAL:
        marked |= mark.TRIAL
    elif tried == ON_TRIAL:
        # The agent judges it as it does a release; and it is deaf to others, as each reset but a
        # wake ends the trial.
        marked, class_tag = marked | mark.TRIAL, 0
    else:
        starts = 0
    # No release makes a board deaf to the next one: who is switched on or reset listens first.
    # Not if the boot before ended in that: no agent has run since, and it is its turn.
    is_due = cost != COST_ORDERLY and not marked & mark.TRIAL and not bits >> mark.CAUSE_SHIFT
    # Who has a new MicroPython has it for a release that waits.
    is_due = is_due or bits & mark.UPDATE or tried == CONFIRMED
    fields = (marked, starts, chosen.sequence, class_tag)
    return fields, installation if is_due and installation.trust else None


def _look_at_micropython(installation, bits, cost):
    """Return SETTLED, ON_TRIAL, or CONFIRMED if it was just now; start anew for another one."""
    runtime = open_runtime(installation)
    if runtime is None:
        return SETTLED
    was_on_trial = runtime.is_on_trial
    found = runtime.boot(cost, bool(bits & mark.HEALTHY), bool(bits & mark.GIVEN_UP))
    if found == RESTART:
        print("cma: starting with another MicroPython")
        rtc = machine.RTC()
        rtc.memory(mark.write(rtc.memory(), _RESTARTED))  # what was told is of this one
        machine.reset()
    return CONFIRMED if was_on_trial and runtime.is_kept else found


def board_classes():
    """Return the classes of releases that this board takes, as its loader was told."""
    try:
        with open(_BOARD) as file:
            return tuple([bytes.fromhex(one) for one in json.load(file)["classes"]])
    except (OSError, ValueError, KeyError):
        return ()


def _root():
    try:
        with open(_ROOT, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _cost():
    """Return what this boot takes from a trial."""
    reset, memory = machine.reset_cause(), machine.RTC().memory()
    if reset == machine.WDT_RESET:
        return COST_UNCLEAN
    if reset == machine.HARD_RESET and memory[:2] == _AGENT_MAGIC:
        return COST_UNCLEAN if memory[2] == _AGENT_RUNNING else COST_ORDERLY
    return COST_POWER if reset == machine.PWRON_RESET else COST_ORDERLY


def _restore(installation):
    flash = open_flash("state")
    if flash is None:
        return
    journal = Journal(flash)
    journal.recover()
    try:
        installation.restore(JournalTable(journal))
    except OSError as error:
        print("cma: state stays that of a release given up: %s" % error)


def _class_of(installation, slot):
    """Return the class of what runs; where its papers are lost, what the loader was told."""
    class_id = (board_classes() + (b"",))[0]
    try:
        papers = installation.read_papers(slot)
        if papers:
            class_id = from_bytes(Envelope(papers.envelope).payload).class_id
    except (OSError, RefusedError):
        pass
    return int.from_bytes(class_id[:4], "big") & 0x3FFFFFFF
