"""This board: its hardware address, its settings, its battery, its parts; see `device.parts`."""

import machine
import network

from device.recorder import UNMADE
from device.settings import Settings


class Board:
    """What drivers and the agent need to know about the hardware they run on.

    The radio stays off until a link needs it: a wake that only samples never pays for it.
    """

    def __init__(self):
        self.mac = machine.unique_id()  # the base address, which is the Wi-Fi station's
        self.settings = Settings(self.mac)
        self.wlan = network.WLAN(network.STA_IF)
        self._parts = {}  # by kind and name, made once
        self._battery = None
        self.recorder = None  # of the loop that runs an agent
        pin = self.settings.pins.get("battery_adc")
        if isinstance(pin, int):
            self._battery = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)

    def switch_radio(self, is_on):
        """Power the radio, on the channel that the settings name, or cut it off."""
        self.wlan.active(is_on)
        if is_on and "channel" in self.settings.values:
            self.wlan.config(channel=self.settings.whole("channel", 1))

    def battery_mv(self):
        """Return the battery's voltage, 0 on a board that cannot measure it.

        Units: millivolts.
        """
        if self._battery is None:
            return 0
        divider_permille = self.settings.pins.get("battery_divider_permille", 1000)
        return self._battery.read_uv() // 1000 * divider_permille // 1000

    def sensor(self, name):
        """Return a sensor."""
        return self._part("sensor", name)

    def actuator(self, name):
        """Return an actuator."""
        return self._part("actuator", name)

    def _part(self, kind, name):
        key = kind + "." + name
        if key not in self._parts:
            from device import parts

            try:
                self._parts[key] = parts.make(self, kind, name)
            except Exception as error:
                if self.recorder:
                    self.recorder.note_error(UNMADE, error)
                raise
        return self._parts[key]
