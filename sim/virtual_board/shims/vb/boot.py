"""What an ESP32's firmware does between reset and prompt: mount, boot.py, main.py.

Everything of the host is imported before the host's filesystem is unmounted; from then on only
open files reach it.

Source   MicroPython ports/esp32/main.c, modules/_boot.py, modules/flashbdev.py
"""

import builtins
import io
import os
import sys

import vfs
from vb import config, control, guard, modules, romfs, root, selecting, sockets, timing
from vb.marks import PROMPT

_SHIMS = __file__[: -len("vb/boot.py")]
_print_exception = sys.print_exception
_unix_stdout = sys.stdout


def start(main):
    """Boot; `main` holds the globals of `__main__`."""
    main.pop("vb", None)
    _install()
    romfs.mount()
    sys.path.append("/lib")
    is_mounted = root.mount()
    try:
        # From here on what the host types arrives, and Ctrl-C leads to the prompt.
        control.say("up", cause=config.get("cause"))
        if is_mounted:
            _run_scripts(main)
        else:
            root.complain_for_ever()
    except KeyboardInterrupt as error:
        _show(error)
    except SystemExit:
        control.end("soft-reset")
    guard.switch_off()
    _unix_stdout.write(PROMPT)
    control.say("prompt")
    control.wait_for_go()


def _install():
    """Put the board's modules in place and take the host's files away."""
    for name in ("machine", "esp32", "esp", "network", "espnow", "aioespnow", "neopixel"):
        __import__(name)
    replaced = (
        ("os", modules.make_os()),
        ("select", selecting.module),
        ("socket", sockets.module),
        ("sys", modules.make_sys()),
        ("time", timing.module),
        ("vfs", modules.make_vfs(romfs.rom_ioctl)),
    )
    for name, module in replaced:
        sys.modules[name] = module
    vfs.umount("/")
    sys.path[:] = ["", ".frozen"]


def _run_scripts(main):
    if _run("boot.py", main) and not config.get("raw"):
        _run("main.py", main)


def _run(name, main):
    """Run a script if it exists; return False if it raised."""
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        builtins.execfile(name, main)
        return True
    except SystemExit as error:
        raise error
    except BaseException as error:  # noqa: BLE001 - a board reports them all
        _show(error)
        return False


def _show(error):
    """Print a traceback as a board does: without our own frames."""
    text = io.StringIO()
    _print_exception(error, text)
    for line in text.getvalue().split("\n")[:-1]:
        if _SHIMS not in line:
            print(line)
