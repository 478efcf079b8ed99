"""What this application promises: each test runs on CPython and on real MicroPython."""
