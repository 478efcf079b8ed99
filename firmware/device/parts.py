"""Sensors and actuators of a board: the user's drivers, or pins named in the settings.

`agent.sensor("soil")` is the first of
- /user/drivers/soil.py, a file with `make(board)` that returns an object with `read()`;
- the setting `sensor.soil`, a pin number: an ADC in microvolts / 1000, or with `sensor.soil.kind`
  = "digital" a digital input.
`agent.actuator("pump")` likewise: `write(value)`, and `actuator.pump`, an output pin.
"""


class BoardParts:
    """Find a part by its name and make it once."""

    def __init__(self, board):
        self._board = board
        self._made = {}

    def sensor(self, name):
        """Return a sensor."""
        return self._get("sensor", name)

    def actuator(self, name):
        """Return an actuator; `led` is the board's own unless a driver says otherwise."""
        return self._get("actuator", name)

    def _get(self, kind, name):
        key = kind + "." + name
        if key not in self._made:
            part = self._from_driver(name)
            if part is None:
                part = self._from_pin(key, name)
            if part is None:
                raise LookupError(
                    "no %s '%s': put drivers/%s.py with make(board) into the project, or set %s "
                    "to a pin number" % (kind, name, name, key)
                )
            self._made[key] = part
        return self._made[key]

    def _from_driver(self, name):
        try:
            module = __import__("drivers." + name, None, None, ("make",))
        except ImportError as error:
            # Only "there is no such driver" is ours to handle; an import that fails inside the
            # driver is the user's to see.
            if name not in str(error) and "drivers" not in str(error):
                raise
            return None
        return module.make(self._board)

    def _from_pin(self, key, name):
        values, pins = self._board.settings.values, self._board.settings.pins
        pin = values.get(key)
        if key.startswith("sensor."):
            if pin is None:
                return None
            from device.pins import AnalogSensor, DigitalSensor

            digital = values.get(key + ".kind") == "digital"
            return DigitalSensor(pin) if digital else AnalogSensor(pin)
        if pin is None and name == "led" and pins.get("led_kind", "gpio") == "gpio":
            pin = pins.get("led")
        if pin is None:
            return None
        from device.pins import PinActuator

        return PinActuator(pin, self._board.led_active(name))
