"""What boots and orderly ends do to safe mode: they are counted, judged and stored.

What is and is not held against the application:
- a crash, a bite of the watchdog, a panic, a brown-out: one unclean boot;
- power that came back without an orderly stop: a quarter of one. Stock MicroPython tells a
  brown-out from a plug that was pulled by nothing, and people pull plugs;
- deep sleep, an announced reboot, a soft reset, whatever follows an orderly stop: nothing.

Safe mode is left by power that comes back or the reset button (whoever presses it wants another
try), by a changed application, and by command. The application then has one try: one more unclean
boot before a healthy span is over leads back.

Input    load, boot, stop, leave, forget_crashes, each with the machine and the sink
Effects  out.report(EVENT_SAFE_MODE…, EVENT_STORE_…)
Bounds   those of `safe_mode`
Source   SPEC.md, "Stored records"
"""

from ..codec.spans import read_short, write_short
from ..errors import (
    CAUSE_POWER_ON,
    EVENT_SAFE_MODE,
    EVENT_SAFE_MODE_LEFT,
    EVENT_STORE_DAMAGED,
    EVENT_STORE_FAILED,
)
from ..fields import read_word, write_word
from ..limits import HEALTHY_MS, UNCLEAN_BOOTS_MAX
from ..ticks import ticks_add
from .safe_mode import CAUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..effects import Effects
    from .safe_mode import SafeMode

KEY = b"boot"

ORDERLY, POWER, UNCLEAN, HEALTHY, TRY_AGAIN = range(5)
_UNIT = 4  # of the score: one unclean boot
SCORE_MAX = _UNIT * UNCLEAN_BOOTS_MAX  # with it, safe mode
_STAY = -1

# Two numbers per event: what it adds to the score of a running application, and the score with
# which it leads out of safe mode.
# fmt: off
TRANSITIONS = (
    0, _STAY,  # ORDERLY
    1, SCORE_MAX - _UNIT,  # POWER
    _UNIT, _STAY,  # UNCLEAN
    -SCORE_MAX, _STAY,  # HEALTHY
    0, SCORE_MAX - _UNIT,  # TRY_AGAIN
)
# fmt: on
# The event of a boot by its cause, and whether the agent had been stopped in order.
_AFTER_RUNNING = (POWER, POWER, ORDERLY, UNCLEAN, ORDERLY, ORDERLY, UNCLEAN, UNCLEAN)

_FORMAT = 1
_RECORD_BYTES = 30
_IS_SAFE, _IS_CLEAN = 1, 2
_NUMBER_MAX = (1 << 30) - 1


def load(machine: "SafeMode", out: "Effects") -> None:
    """Read what is known of earlier boots; without it the agent boots all the same.

    If the table cannot be read, the record stays as it is until the next boot.
    """
    try:
        record = machine._table.get(KEY)
    except OSError:
        machine._is_blind, machine._is_clean = True, False
        out.report(EVENT_STORE_FAILED, 0)
        return
    if record is None:
        return
    if len(record) != _RECORD_BYTES or record[0] != _FORMAT:
        machine._is_clean = False
        out.report(EVENT_STORE_DAMAGED, 0)
        return
    _read(machine, record)


def boot(
    machine: "SafeMode", now_ms: int, cause: int, application_id: int, out: "Effects"
) -> None:
    """Count a boot that is no wake, and decide; commits, with all that is staged.

    Shape: `application_id` changes with the application; 0: it is not known.
    """
    event = _judge(machine, cause)
    machine.cause = cause
    machine.boots = min(_NUMBER_MAX, machine.boots + 1)
    machine.resets[cause] = min(0xFFFF, machine.resets[cause] + 1)
    if event == UNCLEAN:
        machine.unclean = min(0xFFFF, machine.unclean + 1)
    _follow(machine, event, out)
    if application_id and application_id != machine._application:
        if machine._application:
            _follow(machine, TRY_AGAIN, out)
        machine._application = application_id
    if machine._is_blind and event == UNCLEAN:
        machine.is_safe = True  # this may have happened often: nobody can tell
    machine._is_clean = False
    _write(machine, out)
    machine._is_watching = machine.score > 0 and not machine.is_safe
    machine._healthy_at_ms = machine._settled_at_ms = ticks_add(now_ms, HEALTHY_MS)
    if machine.is_safe:
        out.report(EVENT_SAFE_MODE, machine.score // _UNIT)


def stop(machine: "SafeMode", out: "Effects") -> None:
    """Note an orderly stop: the next power-on is held against nobody."""
    machine._is_clean = True
    _write(machine, out)


def leave(machine: "SafeMode", out: "Effects") -> None:
    """Give the application another try at the next boot: somebody asked for it."""
    _follow(machine, TRY_AGAIN, out)
    _write(machine, out)


def _judge(machine: "SafeMode", cause: int) -> int:
    if machine._is_clean:
        # Power again, or the button: a person. In safe mode it is a wish for another try.
        return TRY_AGAIN if cause == CAUSE_POWER_ON else ORDERLY
    return _AFTER_RUNNING[cause]


def _follow(machine: "SafeMode", event: int, out: "Effects") -> None:
    added, left_with = TRANSITIONS[2 * event], TRANSITIONS[2 * event + 1]
    if not machine.is_safe:
        machine.score = max(0, machine.score + added)
        machine.is_safe = machine.score >= SCORE_MAX
    elif left_with != _STAY:
        machine.is_safe, machine.score = False, left_with
        out.report(EVENT_SAFE_MODE_LEFT, 0)


def forget_crashes(machine: "SafeMode", out: "Effects") -> None:
    """Begin anew with the count: a healthy span is over."""
    machine._is_watching = False
    _follow(machine, HEALTHY, out)
    _write(machine, out)


def _write(machine: "SafeMode", out: "Effects") -> None:
    record = bytearray(_RECORD_BYTES)
    record[0] = _FORMAT
    record[1] = (_IS_SAFE if machine.is_safe else 0) | (_IS_CLEAN if machine._is_clean else 0)
    record[2] = machine.score
    record[3] = machine.cause
    write_word(record, 4, machine.boots)
    write_word(record, 8, machine._application)
    write_short(record, 12, machine.unclean)
    for cause in range(CAUSES):
        write_short(record, 14 + 2 * cause, machine.resets[cause])
    is_kept = not machine._is_blind  # what could not be read may count more boots than we know
    try:
        if is_kept:
            machine._table.put(KEY, bytes(record))
        machine._table.commit()
    except (OSError, MemoryError):
        machine._table.rollback()
        is_kept = False
    if not is_kept:
        out.report(EVENT_STORE_FAILED, 0)


def _read(machine: "SafeMode", record: bytes) -> None:
    machine.is_safe = bool(record[1] & _IS_SAFE)
    machine._is_clean = bool(record[1] & _IS_CLEAN)
    machine.score = min(SCORE_MAX, record[2])
    machine.cause = record[3]
    machine.boots = read_word(record, 4)
    machine._application = read_word(record, 8)
    machine.unclean = read_short(record, 12)
    for cause in range(CAUSES):
        machine.resets[cause] = read_short(record, 14 + 2 * cause)
