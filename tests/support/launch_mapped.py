"""Become MicroPython with a file mapped into memory, as flash is into a board's address space.

Usage: `python -I -S launch_mapped.py FOLDER_OF_THE_MODULE FILE ARGUMENTS…`. Where `@` stands alone
in an argument list, the address of the mapping is put. What the program writes there is in the
file: a board's flash, or its RTC memory.
"""

import ctypes
import mmap
import sys

if __name__ == "__main__":
    sys.path.append(sys.argv.pop(1))
    with open(sys.argv.pop(1), "r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    import micropython_run

    sys.exit(micropython_run.run_main([word.replace("@", str(address)) for word in sys.argv]))
