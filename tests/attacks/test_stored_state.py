"""Attacks 75 and 76: what one release stored, and another one finds."""

from attacks.attack import attack, check, stopped
from attacks.places import INSTALLATION, SAVED, UPDATE
from attacks.slots import BAD, Box
from attacks.test_boot import on_trial

from kernel.release.slots import COST_UNCLEAN


@attack(
    check(
        "what the older release had not is taken away",
        SAVED,
        "        if key[:1] == STATE_PREFIX and key not in held[::2]:",
        "        if False:",
    ),
    check(
        "what it had is put back",
        SAVED,
        "        state.put(held[at], held[at + 1])",
        "        pass",
    ),
)
def test_attack_75_stored_state_moved_on_by_a_release() -> None:
    """Release 2 moves all of the state to a form of its own, in other keys too, and crashes."""
    box = Box()
    box.boot()
    fill(box, 1)
    before = stored(box)
    box.bring(BAD)
    box.boot()
    fill(box, 2)
    assert stored(box) != before
    for _ in range(4):
        box.boot(COST_UNCLEAN)
    assert box.runs() == 1
    stopped(stored(box) == before, "release 1 finds its state changed")


def fill(box: Box, release: int) -> None:
    """Let a release store as much as an application may."""
    state = box.state()
    for number in range(release, 20 + release):
        state.put(b"s%02d" % number, bytes([release]) * 40)
    state.commit()


def stored(box: Box) -> dict[bytes, bytes | None]:
    """Return the application's state."""
    state = box.state()
    return {key: state.get(key) for key in state.keys() if key[:1] == b"s"}  # noqa: SIM118


@attack(
    check(
        "the copy of the state from before a trial",
        INSTALLATION,
        "        if self.slots[at].state == TRIAL:\n            self.record.has_to_restore = True",
        "        if False:\n            self.record.has_to_restore = True",
    ),
    check(
        "the copy is made",
        UPDATE,
        "            self._keep(state)",
        "            pass",
    ),
)
def test_attack_76_stored_state_of_a_newer_version() -> None:
    box = on_trial()
    assert box.state().get(b"slast") == b"\x02"
    for _ in range(4):
        box.boot(COST_UNCLEAN)
    assert box.runs() == 1
    stopped(box.state().get(b"slast") == b"\x01", "release 1 finds what release 2 wrote")
