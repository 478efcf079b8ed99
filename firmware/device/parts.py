"""Sensors and actuators of a board: the user's drivers, or pins named in the settings.

`agent.sensor("soil")` is the first of
- /user/drivers/soil.py, a file with `make(board)` that returns an object with `read()`;
- the setting `sensor.soil`, a pin number: an ADC in microvolts / 1000, or with `sensor.soil.kind`
  = "digital" a digital input.
`agent.actuator("pump")` likewise: `write(value)`, and `actuator.pump`, an output pin.
"""


def make(board, kind, name):
    """Make a sensor or an actuator; `led` is the board's own unless a driver says otherwise."""
    part = _from_driver(board, name)
    if part is None:
        part = _from_pin(board, kind + "." + name, name)
    if part is None:
        raise LookupError(
            "no %s '%s': put drivers/%s.py with make(board) into the project, or set %s.%s "
            "to a pin number" % (kind, name, name, kind, name)
        )
    if kind == "sensor" and board.recorder:
        board.recorder.watch(part)
    return part


def _from_driver(board, name):
    try:
        module = __import__("drivers." + name, None, None, ("make",))
    except ImportError as error:
        # Only "there is no such driver" is ours to handle; an import that fails inside the
        # driver is the user's to see.
        if name not in str(error) and "drivers" not in str(error):
            raise
        return None
    return module.make(board)


def _from_pin(board, key, name):
    values, pins = board.settings.values, board.settings.pins
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

    is_low_active = name == "led" and pins.get("led_active") in (0, "low", False)
    return PinActuator(pin, 0 if is_low_active else 1)
