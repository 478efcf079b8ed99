"""Judge the release on trial: the agent that runs it tells the loader how it is.

Loaded only while one is on trial: before each deep sleep, and now and then by an agent that does
not sleep, which then starts anew, as the loader hears it in no other way. Whatever crashes is
counted by the loader itself.
"""

import machine
from esp32 import Partition

from device.rtc import GIVEN_UP, HEALTHY, SIGNS_AT
from kernel.release.signs import IS_HEALTHY, UNDECIDED, Signs

_FAILED = ("failed", "safe mode")


def begin(loop):
    """Forget what spoke for another release, unless this boot is a wake of the same one."""
    if loop.is_first_sleep:
        Signs().save_into(loop.rtc.memory, SIGNS_AT)


def judge(loop, is_awake):
    """Take note that a wake, or a while of an agent that is awake, ended in order."""
    memory, signs, agent = loop.rtc.memory, Signs(), loop.agent
    signs.load_from(memory, SIGNS_AT)
    if agent.neighbours.count:
        signs.on_heard()
    signs.on_check(agent.application.is_well and loop.application not in _FAILED)
    found = signs.on_wake_end()
    signs.save_into(memory, SIGNS_AT)
    if found == UNDECIDED:
        return
    loop.sink.note("release", "healthy" if found == IS_HEALTHY else "given up")
    if found == IS_HEALTHY:
        _keep_micropython()
    loop.rtc.tell_loader(HEALTHY if found == IS_HEALTHY else GIVEN_UP)
    if is_awake:
        from device import ending

        ending.stop(loop)
        machine.reset()


def _keep_micropython():
    """Have the bootloader keep the MicroPython that runs, if it is that which is tried.

    The loader counts it as kept at the next boot, and a boot would end the trial before it does.
    """
    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError:
        pass  # it came by cable
