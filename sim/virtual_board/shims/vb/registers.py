"""The chip's registers as `machine.mem32` shows them: those that somebody reads; the rest is 0.

Source   ESP-IDF soc/usb_serial_jtag_reg.h: the index of the last frame that a USB host began
"""

import time

from vb import config, control

_FRAME_COUNTERS = {"esp32c3": 0x60043024, "esp32c6": 0x6000F024, "esp32s3": 0x60080808}
_FRAME_INDEX_MAX = 0x7FF  # a frame each millisecond


class Registers:
    """Words by their addresses."""

    def __getitem__(self, address):
        """Return a register's value."""
        if address != _FRAME_COUNTERS.get(config.get("chip")):
            return 0
        control.hear()
        return time.ticks_ms() & _FRAME_INDEX_MAX if config.get("usb") else 0

    def __setitem__(self, address, value):
        """Do nothing: what a register steers is not modelled."""


mem32 = Registers()
