"""The built-in modules as a board has them, in place of those of the unix port.

`sys.modules` comes before a built-in module, and an instance does as a module. Names of the host
(`os.system`, `os.getenv`) are not passed on.
"""

import os
import sys
from collections import namedtuple

import vfs
from vb import config, littlefs
from vb.stdio import TextOutput

_Implementation = namedtuple("implementation", ("name", "version", "_machine", "_mpy", "_build"))
_Uname = namedtuple("uname_result", ("sysname", "nodename", "release", "version", "machine"))
_OS_NAMES = (
    "chdir",
    "getcwd",
    "ilistdir",
    "listdir",
    "mkdir",
    "remove",
    "rename",
    "rmdir",
    "sep",
    "stat",
    "statvfs",
    "umount",
    "unlink",
    "urandom",
    "VfsFat",
)
_VFS_NAMES = ("umount", "VfsFat", "VfsRom")


class Module:
    """Names in place of a built-in module's."""

    def __init__(self, name):
        self.__name__ = name

    def take(self, module, names):
        """Take names over."""
        for name in names:
            if hasattr(module, name):
                setattr(self, name, getattr(module, name))
        return self


def _version():
    """Return the version of the app that was started; every board runs one interpreter."""
    numbers = (config.get("version") or "").split("-")[0].split(".")
    if len(numbers) == 3 and all([number.isdigit() for number in numbers]):
        return tuple([int(number) for number in numbers]) + sys.implementation.version[3:]
    return sys.implementation.version


def public_names(module):
    """Return the names that do not begin with an underscore."""
    return [name for name in dir(module) if name[0] != "_"]


def make_sys():
    """Return `sys` of an ESP32."""
    board = Module("sys").take(sys, public_names(sys))
    unix = sys.implementation
    board.platform = "esp32"
    board.implementation = _Implementation(
        "micropython", _version(), config.get("machine"), unix._mpy, config.get("build")
    )
    board.stdout = TextOutput()
    board.argv = []
    return board


def make_os():
    """Return `os` of an ESP32."""
    board = Module("os").take(os, _OS_NAMES)
    version = "%d.%d.%d" % _version()[:3]
    name = _Uname("esp32", "esp32", version, sys.version.split("; ")[-1], config.get("machine"))
    board.mount = littlefs.mount
    board.VfsLfs2 = littlefs.VfsLfs2
    board.uname = lambda: name
    board.sync = lambda: None
    board.dupterm = lambda stream, index=0: None
    return board


def make_vfs(rom_ioctl):
    """Return `vfs` of an ESP32."""
    board = Module("vfs").take(vfs, _VFS_NAMES)
    board.mount = littlefs.mount
    board.VfsLfs2 = littlefs.VfsLfs2
    board.rom_ioctl = rom_ioctl
    return board
