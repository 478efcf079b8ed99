"""Before anything else: put the image that is to run in its place, and mount the user's files."""

try:
    from loader.start import prepare
except (ImportError, ValueError):
    pass  # no loader on this board, or one for another MicroPython: main.py says so
else:
    prepare()
