"""The places of MicroPython on this board, where it has more than one.

Source   MicroPython ports/esp32/esp32_partition.c; ESP-IDF app_update/esp_ota_ops.c
"""

import json
import sys

from esp32 import Partition

from device.flash import PartitionFlash

_BOARD, _CLASS = "/rom/board.json", "micropython"
_OFFSET = 2  # of what `info` returns


def mpy_format():
    """Return the format of `.mpy` files that this MicroPython loads, as manifests have it."""
    found = sys.implementation._mpy
    return (found & 0xFF) << 8 | found >> 8 & 3


def open_runtime(installation):
    """Return what there is of MicroPython, None on a board that gets none over the air."""
    try:
        with open(_BOARD) as file:
            class_id = bytes.fromhex(json.load(file)[_CLASS])
        from kernel.release.runtime import Runtime  # heap that most boards need not spend

        return Runtime(installation, Places(), class_id, mpy_format())
    except (OSError, ValueError, KeyError):
        return None


class Places:
    """The port `kernel.shapes.RuntimePlaces`.

    Raises: OSError on a board that has one place.
    """

    def __init__(self):
        running = Partition(Partition.RUNNING)
        spare = running.get_next_update()
        self.running_at, self.spare_at = running.info()[_OFFSET], spare.info()[_OFFSET]
        self.running, self.spare = PartitionFlash(running), PartitionFlash(spare)

    def set_boot(self, at):
        """Have the app that stands at an offset start at the next reset, which must be a hard one.

        Raises: OSError if the bootloader would not start it.
        """
        for partition in Partition.find(Partition.TYPE_APP):
            if partition.info()[_OFFSET] == at:
                partition.set_boot()

    def mark_valid(self):
        """Have the one that runs stay."""
        try:
            Partition.mark_app_valid_cancel_rollback()
        except OSError:
            pass  # it came by cable, and stays anyway
