"""Before anything else: mount the user's filesystem and tell Python where everything is."""

try:
    from device.start import prepare
except (ImportError, ValueError):
    pass  # no kernel on this board, or one for another MicroPython: main.py says so
else:
    prepare()
