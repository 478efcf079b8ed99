"""Test a board on the production line: memory, flash, NVS, radio, LED, battery."""

import gc
import os

from on_device.led import make_light

NAMESPACE = "cma_test"
PATTERNS = (0x55, 0xAA)
RAM_BYTES = 16384
FREE_BYTES_MIN = 24576
FILE = "/user/.cma_test"
FILE_BYTES = 4096
BATTERY_MV_MIN = 2500
BATTERY_MV_MAX = 5500


def run(arguments):
    """Return [name, passed, text] of each test; `pins` are those of the board's file."""
    pins = arguments["pins"]
    return [
        attempt("memory", test_memory),
        attempt("flash", test_flash),
        attempt("NVS", test_nvs),
        attempt("radio", test_radio),
        attempt("LED", lambda: test_led(pins)),
        attempt("battery", lambda: test_battery(pins)),
    ]


def attempt(name, test):
    """Run one test; what it raises is its failure."""
    try:
        return [name, True, test()]
    except (
        AttributeError,
        ImportError,
        MemoryError,
        OSError,
        ValueError,
    ) as error:
        return [name, False, str(error) or type(error).__name__]


def test_memory():
    """Fill a part of the heap with two patterns and read them back."""
    gc.collect()
    free_bytes = gc.mem_free()
    if free_bytes < FREE_BYTES_MIN:
        raise ValueError("only %d bytes free" % free_bytes)
    block = bytearray(RAM_BYTES)
    for pattern in PATTERNS:
        for index in range(RAM_BYTES):
            block[index] = pattern
        if block != bytes([pattern]) * RAM_BYTES:
            raise ValueError("bytes changed")
    return "%d KB free" % (free_bytes // 1024)


def test_flash():
    """Write a file, read it back and remove it."""
    data = bytes([index * 7 & 0xFF for index in range(256)]) * (FILE_BYTES // 256)
    with open(FILE, "wb") as file:
        file.write(data)
    try:
        with open(FILE, "rb") as file:
            if file.read() != data:
                raise ValueError("a file reads back changed")
    finally:
        os.remove(FILE)
    status = os.statvfs("/user")
    return "%d KB free" % (status[0] * status[3] // 1024)


def test_nvs():
    """Set a value in a namespace of our own, read it back and erase it."""
    from esp32 import NVS

    store = NVS(NAMESPACE)
    store.set_i32("test", 0x5A5A)
    store.commit()
    value = NVS(NAMESPACE).get_i32("test")
    store.erase_key("test")
    store.commit()
    if value != 0x5A5A:
        raise ValueError("a value reads back changed")
    return "ok"


def test_radio():
    """Switch the radio on, and leave it as it was."""
    import network

    wlan = network.WLAN(network.STA_IF)
    was_active = wlan.active()
    wlan.active(True)
    address = wlan.config("mac")
    is_up = wlan.active()
    wlan.active(was_active)
    if not is_up or address == b"\x00" * 6:
        raise ValueError("it does not come up")
    return "ok"


def test_led(pins):
    """Drive the LED both ways; whether it shines is for the eye."""
    if "led" not in pins:
        return "none"
    light = make_light(pins["led"], pins.get("led_kind", "gpio"), pins.get("led_active", 1))
    for on in (True, False):
        if not light(on):
            raise ValueError("its pin does not follow")
    return "ok"


def test_battery(pins):
    """Read the battery, if the board can."""
    if "battery_adc" not in pins:
        return "none"
    from machine import ADC, Pin

    adc = ADC(Pin(pins["battery_adc"]), atten=ADC.ATTN_11DB)
    millivolts = adc.read_uv() // 1000 * pins.get("battery_divider_permille", 1000) // 1000
    if not BATTERY_MV_MIN <= millivolts <= BATTERY_MV_MAX:
        raise ValueError("%d mV" % millivolts)
    return "%d mV" % millivolts
